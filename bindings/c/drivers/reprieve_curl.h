/*
 * Renews leases with libcurl: a driver of reprieve_renewer, to be built into a product, in C99 with libcurl 7.68 or later. It is no part of
 * the library. Give it a thread of its own:
 *
 *     reprieve_curl *driver = reprieve_curl_new(renewer, NULL);
 *     while (!quit && reprieve_curl_step(driver, 1000) == REPRIEVE_OK) {
 *     }
 *     reprieve_curl_free(driver);
 *
 * Call curl_global_init first, as libcurl wants it. One thread at a time uses a driver; reprieve_curl_wake alone may be called from any.
 */
#ifndef REPRIEVE_CURL_H
#define REPRIEVE_CURL_H

#include "reprieve.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reprieve_curl reprieve_curl;

/* What may be left out is NULL. All is copied. */
typedef struct reprieve_curl_options {
    /* A file with certificates of the vendor's own authorities in PEM, in place of those that the platform trusts. */
    const char *roots;
    /* A proxy's URL; "" for none; NULL for what the environment says. */
    const char *proxy;
    /* One more header field for each request, such as "Authorization: ...". */
    const char *header;
} reprieve_curl_options;

/* A driver of a renewer, which must live until the driver is freed. NULL if there is no memory. */
reprieve_curl *reprieve_curl_new(const reprieve_renewer *renewer, const reprieve_curl_options *options);

/* Does what is due, and waits for what comes next, for so many milliseconds at most. REPRIEVE_STATUS_CLOSED: the client was closed. */
reprieve_status reprieve_curl_step(reprieve_curl *driver, uint32_t milliseconds);

/* Ends the wait of a step that is under way in another thread. */
void reprieve_curl_wake(reprieve_curl *driver);

/* Stops what runs. NULL is a no-op. */
void reprieve_curl_free(reprieve_curl *driver);

#ifdef __cplusplus
}
#endif

#endif
