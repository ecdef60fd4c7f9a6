#ifndef COMMON_ORDERS_H
#define COMMON_ORDERS_H

#include "common/buf.h"
#include "common/minisign.h"

/*
 * orders: what the reaper tells machines (drain, keep, leave), as signed text
 * in a user property of its ClearML task, both ways. Open ClearML has no other
 * channel. Anybody with an API key can write that property: so it is signed
 * with the tickets' key, bound to the prefix, numbered and dated; a machine
 * obeys no order with a bad signature, of another prefix, older than the last
 * one it obeyed, or dated more than ORDERS_LIFE_S before or after ClearML's clock.
 *
 *   {"prefix": "lab", "number": 17, "time": 1795000000,
 *    "orders": {"i-0abc": "drain", "i-0def": "keep"}}
 *   and a minisign signature of exactly these bytes, trusted comment "mayfly orders for lab"
 */

enum { ORDERS_LIFE_S = 3600, ORDERS_BYTES = 65536 };

#endif
