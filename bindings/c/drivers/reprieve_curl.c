#include "reprieve_curl.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* No head of an answer is longer than this, or it is none. */
#define MAX_HEAD 65536

/* Bytes that grow up to a limit. */
typedef struct {
    char *data;
    size_t len, room, limit;
    int is_over;
} buffer;

/* One request under way. */
typedef struct attempt {
    uint64_t number;
    CURL *easy;
    struct curl_slist *headers;
    reprieve_http_request *request;
    buffer head, body;
    struct attempt *next;
} attempt;

struct reprieve_curl {
    const reprieve_renewer *renewer;
    CURLM *multi;
    attempt *attempts;
    char *roots, *proxy, *header;
};

static char *copy(const char *text) {
    char *made = text != NULL ? (char *)malloc(strlen(text) + 1) : NULL;
    return made != NULL ? strcpy(made, text) : NULL;
}

static int grow(buffer *into, const char *data, size_t len) {
    if (len > into->limit - into->len) {
        into->is_over = 1;
        return 0;
    }
    if (into->len + len > into->room) {
        const size_t room = (into->len + len) * 2;
        char *more = (char *)realloc(into->data, room);
        if (more == NULL) {
            return 0;
        }
        into->data = more;
        into->room = room;
    }
    if (len > 0) {
        memcpy(into->data + into->len, data, len);
    }
    into->len += len;
    return 1;
}

static size_t on_body(char *data, size_t one, size_t len, void *user) {
    return grow(&((attempt *)user)->body, data, one * len) ? one * len : 0;
}

static size_t on_head(char *data, size_t one, size_t len, void *user) {
    attempt *mine = (attempt *)user;
    if (one * len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        /* The head of another answer: what came before was that of a proxy, or "100 Continue". */
        mine->head.len = 0;
    }
    return grow(&mine->head, data, one * len) ? one * len : 0;
}

static void drop(reprieve_curl *driver, attempt *mine) {
    attempt **at = &driver->attempts;
    while (*at != NULL && *at != mine) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = mine->next;
    }
    if (mine->easy != NULL) {
        curl_multi_remove_handle(driver->multi, mine->easy);
        curl_easy_cleanup(mine->easy);
    }
    curl_slist_free_all(mine->headers);
    reprieve_http_request_free(mine->request);
    free(mine->head.data);
    free(mine->body.data);
    free(mine);
}

/* Which failure libcurl's is. */
static uint32_t failure(const attempt *mine, CURLcode code, int has_proxy) {
    long number = 0, connects = 0;
    curl_easy_getinfo(mine->easy, CURLINFO_OS_ERRNO, &number);
    curl_easy_getinfo(mine->easy, CURLINFO_NUM_CONNECTS, &connects);
    if (mine->body.is_over) {
        return REPRIEVE_FAILURE_TOO_LONG;
    }
    if (mine->head.is_over) {
        return REPRIEVE_FAILURE_PROTOCOL;
    }
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return REPRIEVE_FAILURE_NO_DNS;
    case CURLE_COULDNT_RESOLVE_PROXY:
#if LIBCURL_VERSION_NUM >= 0x074900
    case CURLE_PROXY:
#endif
        return REPRIEVE_FAILURE_NO_ROUTE;
    case CURLE_COULDNT_CONNECT:
#ifdef _WIN32
        if (number == 10061) { /* WSAECONNREFUSED */
#else
        if (number == ECONNREFUSED) {
#endif
            /* It is the customer's proxy that is connected to, and that stands in the customer's network. */
            return has_proxy ? REPRIEVE_FAILURE_NO_ROUTE : REPRIEVE_FAILURE_REFUSED;
        }
#ifndef _WIN32
        if (number == ETIMEDOUT) {
            return REPRIEVE_FAILURE_TIMED_OUT;
        }
#endif
        return REPRIEVE_FAILURE_NO_ROUTE;
    case CURLE_OPERATION_TIMEDOUT:
        return REPRIEVE_FAILURE_TIMED_OUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return REPRIEVE_FAILURE_CERTIFICATE;
    case CURLE_SSL_CONNECT_ERROR:
#ifndef _WIN32
        if (number == ECONNRESET || number == EPIPE) {
            return REPRIEVE_FAILURE_RESET;
        }
#endif
        return REPRIEVE_FAILURE_TLS;
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return REPRIEVE_FAILURE_TLS;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return REPRIEVE_FAILURE_RESET;
    case CURLE_UNSUPPORTED_PROTOCOL:
        /* What came back began with no "HTTP/"; or it is a URL that cannot be sent to. */
        return connects > 0 ? REPRIEVE_FAILURE_PROTOCOL : REPRIEVE_FAILURE_LOCAL;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return REPRIEVE_FAILURE_PROTOCOL;
    default:
        return REPRIEVE_FAILURE_LOCAL;
    }
}

/* Whether libcurl went by a proxy: its own address says it no better than this. */
static int goes_by_proxy(const reprieve_curl *driver) {
    if (driver->proxy != NULL) {
        return driver->proxy[0] != 0;
    }
    return getenv("https_proxy") != NULL || getenv("HTTPS_PROXY") != NULL || getenv("http_proxy") != NULL || getenv("all_proxy") != NULL;
}

static int begin(reprieve_curl *driver, attempt *mine, uint64_t milliseconds) {
    const char *method = NULL, *url = NULL, *body = NULL, *name = NULL, *value = NULL;
    size_t len = 0, body_len = 0, count = 0, name_len = 0, value_len = 0;
    CURL *easy = mine->easy = curl_easy_init();
    if (easy == NULL || reprieve_http_request_method(mine->request, &method, &len) != REPRIEVE_OK ||
        reprieve_http_request_url(mine->request, &url, &len) != REPRIEVE_OK ||
        reprieve_http_request_body(mine->request, &body, &body_len) != REPRIEVE_OK ||
        reprieve_http_request_header_count(mine->request, &count) != REPRIEVE_OK) {
        return 0;
    }
    for (size_t at = 0; at <= count + 1; at++) {
        struct curl_slist *more;
        char *line = NULL;
        if (at < count) {
            if (reprieve_http_request_header(mine->request, at, &name, &name_len, &value, &value_len) != REPRIEVE_OK ||
                (line = (char *)malloc(name_len + value_len + 3)) == NULL) {
                return 0;
            }
            memcpy(line, name, name_len);
            memcpy(line + name_len, ": ", 2);
            memcpy(line + name_len + 2, value, value_len + 1);
        } else if (at == count + 1 && driver->header == NULL) {
            break;
        }
        /* "Expect:" is one less question to wait for. */
        more = curl_slist_append(mine->headers, line != NULL ? line : at == count ? "Expect:" : driver->header);
        free(line);
        if (more == NULL) {
            return 0;
        }
        mine->headers = more;
    }
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, mine->headers);
    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (body_len > 0 || strcmp(method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, strcmp(method, "HEAD") == 0 ? NULL : method);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds > LONG_MAX ? LONG_MAX : (long)milliseconds);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, mine);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, mine);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, mine);
    if (driver->roots != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, driver->roots);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (driver->proxy != NULL) {
        curl_easy_setopt(easy, CURLOPT_PROXY, driver->proxy);
    }
    return curl_multi_add_handle(driver->multi, easy) == CURLM_OK;
}

static reprieve_status start(reprieve_curl *driver, const reprieve_renewal_task *task, reprieve_http_request *request) {
    attempt *mine = (attempt *)calloc(1, sizeof *mine);
    if (mine == NULL) {
        reprieve_http_request_free(request);
        return reprieve_renewer_failed(driver->renewer, task->attempt, REPRIEVE_FAILURE_LOCAL, NULL);
    }
    mine->number = task->attempt;
    mine->request = request;
    mine->head.limit = MAX_HEAD;
    mine->body.limit = REPRIEVE_MAX_ANSWER;
    mine->next = driver->attempts;
    driver->attempts = mine;
    if (!begin(driver, mine, task->milliseconds)) {
        drop(driver, mine);
        return reprieve_renewer_failed(driver->renewer, task->attempt, REPRIEVE_FAILURE_LOCAL, NULL);
    }
    return REPRIEVE_OK;
}

/* Tells what has ended. Whether anything has. */
static int finish(reprieve_curl *driver) {
    CURLMsg *message;
    int left = 0, count = 0;
    while ((message = curl_multi_info_read(driver->multi, &left)) != NULL) {
        attempt *mine = NULL;
        long status = 0;
        if (message->msg != CURLMSG_DONE || curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&mine) != CURLE_OK) {
            continue;
        }
        curl_easy_getinfo(mine->easy, CURLINFO_RESPONSE_CODE, &status);
        if (message->data.result != CURLE_OK) {
            const uint32_t how = failure(mine, message->data.result, goes_by_proxy(driver));
            reprieve_renewer_failed(driver->renewer, mine->number, how, NULL);
        } else if (status < 100 || status > 999) {
            reprieve_renewer_failed(driver->renewer, mine->number, REPRIEVE_FAILURE_PROTOCOL, NULL);
        } else {
            reprieve_renewer_answered(driver->renewer, mine->number, (uint32_t)status, (const uint8_t *)mine->head.data, mine->head.len,
                                      (const uint8_t *)mine->body.data, mine->body.len, NULL);
        }
        drop(driver, mine);
        count++;
    }
    return count;
}

reprieve_curl *reprieve_curl_new(const reprieve_renewer *renewer, const reprieve_curl_options *options) {
    static const reprieve_curl_options none = {NULL, NULL, NULL};
    reprieve_curl *driver = (reprieve_curl *)calloc(1, sizeof *driver);
    if (driver == NULL) {
        return NULL;
    }
    options = options != NULL ? options : &none;
    driver->renewer = renewer;
    driver->multi = curl_multi_init();
    driver->roots = copy(options->roots);
    driver->proxy = copy(options->proxy);
    driver->header = copy(options->header);
    if (driver->multi == NULL || !driver->roots != !options->roots || !driver->proxy != !options->proxy ||
        !driver->header != !options->header) {
        reprieve_curl_free(driver);
        return NULL;
    }
    return driver;
}

reprieve_status reprieve_curl_step(reprieve_curl *driver, uint32_t milliseconds) {
    for (;;) {
        reprieve_renewal_task task;
        reprieve_http_request *request = NULL;
        reprieve_status status;
        int running = 0;
        memset(&task, 0, sizeof task);
        task.struct_size = sizeof task;
        status = reprieve_renewer_poll(driver->renewer, &task, &request, NULL);
        if (status == REPRIEVE_OK && task.kind == REPRIEVE_RENEWAL_SEND) {
            status = start(driver, &task, request);
        }
        if (status != REPRIEVE_OK) {
            return status;
        }
        if (task.kind == REPRIEVE_RENEWAL_ABORT) {
            for (attempt *mine = driver->attempts; mine != NULL; mine = mine->next) {
                if (mine->number == task.attempt) {
                    drop(driver, mine);
                    break;
                }
            }
        }
        if (task.kind != REPRIEVE_RENEWAL_WAIT) {
            continue;
        }
        curl_multi_perform(driver->multi, &running);
        if (!finish(driver)) {
            /* No longer at once: libcurl's timers stand still while the machine sleeps. */
            const uint64_t pause = task.milliseconds < milliseconds ? task.milliseconds : milliseconds;
            curl_multi_poll(driver->multi, NULL, 0, pause < 20000 ? (int)pause : 20000, NULL);
            curl_multi_perform(driver->multi, &running);
            finish(driver);
        }
        return REPRIEVE_OK;
    }
}

void reprieve_curl_wake(reprieve_curl *driver) { curl_multi_wakeup(driver->multi); }

void reprieve_curl_free(reprieve_curl *driver) {
    if (driver == NULL) {
        return;
    }
    while (driver->attempts != NULL) {
        drop(driver, driver->attempts);
    }
    curl_multi_cleanup(driver->multi);
    free(driver->roots);
    free(driver->proxy);
    free(driver->header);
    free(driver);
}
