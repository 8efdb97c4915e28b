// Prints what libc says of the time, and what two checks say, 50 ms apart.
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reprieve.h"

int main(int count, char **arguments) {
    if (count != 2) {
        return 2;
    }
    reprieve_drill *drill = NULL;
    reprieve_client *client = NULL;
    reprieve_decision first, second;
    first.struct_size = sizeof first;
    second.struct_size = sizeof second;
    if (reprieve_drill_create(arguments[1], strlen(arguments[1]), NULL, 0, &drill, NULL) != REPRIEVE_OK ||
        reprieve_drill_client(drill, &client, NULL) != REPRIEVE_OK ||
        reprieve_client_check(client, "cad", 3, "core", 4, &first, NULL) != REPRIEVE_OK) {
        return 1;
    }
    usleep(50000);
    if (reprieve_client_check(client, "cad", 3, "core", 4, &second, NULL) != REPRIEVE_OK) {
        return 1;
    }
    printf("%lld %lld.%09u %lld.%09u %s\n", (long long)time(NULL), (long long)first.t.seconds, first.t.nanos,
           (long long)second.t.seconds, second.t.nanos, reprieve_clock_str(second.clock));
    reprieve_client_free(client);
    reprieve_drill_free(drill);
    return 0;
}
