/* The layout that programs are built with: it must never change, on any platform. Compiles, or does not. */
#include "reprieve.h"

#if !defined(__cplusplus) && (!defined(__STDC_VERSION__) || __STDC_VERSION__ < 201112L)
#define SAME_(what, line) typedef char same_##line[(what) ? 1 : -1]
#define SAME(what, line) SAME_(what, line)
#define ASSERT(what) SAME(what, __LINE__)
#elif defined(__cplusplus)
#define ASSERT(what) static_assert(what, #what)
#else
#define ASSERT(what) _Static_assert(what, #what)
#endif

#define AT(type, field, offset) ASSERT(offsetof(type, field) == (offset))

ASSERT(sizeof(reprieve_status) == 4);

ASSERT(sizeof(reprieve_time) == 16);
AT(reprieve_time, seconds, 0);
AT(reprieve_time, nanos, 8);
AT(reprieve_time, present, 12);

ASSERT(sizeof(reprieve_decision) == 96);
AT(reprieve_decision, struct_size, 0);
AT(reprieve_decision, access, 4);
AT(reprieve_decision, state, 8);
AT(reprieve_decision, reason, 12);
AT(reprieve_decision, clock, 16);
AT(reprieve_decision, ledger, 20);
AT(reprieve_decision, flags, 24);
AT(reprieve_decision, stage, 28);
AT(reprieve_decision, t, 32);
AT(reprieve_decision, until, 48);
AT(reprieve_decision, ends, 64);
AT(reprieve_decision, lease_end, 80);

ASSERT(sizeof(reprieve_answer) == 24);
AT(reprieve_answer, struct_size, 0);
AT(reprieve_answer, accepted, 4);
AT(reprieve_answer, known, 8);
AT(reprieve_answer, fresh, 12);
AT(reprieve_answer, kind, 16);
AT(reprieve_answer, error, 20);

ASSERT(sizeof(reprieve_event_info) == 72);
AT(reprieve_event_info, struct_size, 0);
AT(reprieve_event_info, kind, 4);
AT(reprieve_event_info, record, 8);
AT(reprieve_event_info, index, 16);
AT(reprieve_event_info, access, 20);
AT(reprieve_event_info, has_access, 24);
AT(reprieve_event_info, state, 28);
AT(reprieve_event_info, document, 32);
AT(reprieve_event_info, error, 36);
AT(reprieve_event_info, has_left, 40);
AT(reprieve_event_info, reserved, 44);
AT(reprieve_event_info, left_seconds, 48);
AT(reprieve_event_info, at, 56);

ASSERT(sizeof(reprieve_ledger_info) == 72);
AT(reprieve_ledger_info, struct_size, 0);
AT(reprieve_ledger_info, clock, 4);
AT(reprieve_ledger_info, ledger, 8);
AT(reprieve_ledger_info, flags, 12);
AT(reprieve_ledger_info, t, 16);
AT(reprieve_ledger_info, generation, 32);
AT(reprieve_ledger_info, records, 40);
AT(reprieve_ledger_info, unproven, 48);
AT(reprieve_ledger_info, policy_version, 56);
AT(reprieve_ledger_info, features, 64);

ASSERT(sizeof(reprieve_renewal_settings) == 32);
AT(reprieve_renewal_settings, struct_size, 0);
AT(reprieve_renewal_settings, timeout, 4);
AT(reprieve_renewal_settings, hedge, 8);
AT(reprieve_renewal_settings, pause, 12);
AT(reprieve_renewal_settings, pause_most, 16);
AT(reprieve_renewal_settings, retry_after_most, 20);
AT(reprieve_renewal_settings, answered, 24);
AT(reprieve_renewal_settings, renewed, 28);

ASSERT(sizeof(reprieve_renewal_task) == 24);
AT(reprieve_renewal_task, struct_size, 0);
AT(reprieve_renewal_task, kind, 4);
AT(reprieve_renewal_task, attempt, 8);
AT(reprieve_renewal_task, milliseconds, 16);

ASSERT(sizeof(reprieve_renewal_state) == 56);
AT(reprieve_renewal_state, struct_size, 0);
AT(reprieve_renewal_state, outcome, 4);
AT(reprieve_renewal_state, failure, 8);
AT(reprieve_renewal_state, status, 12);
AT(reprieve_renewal_state, refusal, 16);
AT(reprieve_renewal_state, is_busy, 20);
AT(reprieve_renewal_state, has_next, 24);
AT(reprieve_renewal_state, reserved, 28);
AT(reprieve_renewal_state, next_milliseconds, 32);
AT(reprieve_renewal_state, ago_milliseconds, 40);
AT(reprieve_renewal_state, took_milliseconds, 48);

/* Unknown is 0 and is not denied. */
ASSERT(REPRIEVE_OK == 0 && REPRIEVE_ACCESS_UNKNOWN == 0 && REPRIEVE_ACCESS_DENIED == 1 && REPRIEVE_ACCESS_FULL == 3);

int main(void) { return 0; }
