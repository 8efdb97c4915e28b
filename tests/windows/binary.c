/* What a test prints is compared byte for byte: no line ends of Windows's own. */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>

__attribute__((constructor)) static void binary(void) {
    _setmode(_fileno(stdout), _O_BINARY);
}
