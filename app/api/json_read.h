// JSON bodies of requests. Parsed in place by RapidJSON's SAX reader: strings and numbers stay where they are
// in the body, and numbers are only ever text, so that no double comes near money.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/api/api_error.h"
#include "app/api/order_fields.h"
#include "app/node/requests.h"
#include "exchange/ordering/view.h"

namespace peerbook::app {

inline constexpr std::size_t orders_per_request_max = 1'000;
// Of all mass quotes together: what a body may make us keep beside itself.
inline constexpr std::size_t quotes_per_request_max = 4'000;

struct OrderList {
    std::vector<OrderFields> orders;
    bool is_array = false;
};

// One object, or an array of at most orders_per_request_max. The result views `body`, whose content is
// overwritten and which must stay alive and unchanged while the result is used. Errors: where the JSON is
// malformed; the name of an unknown or doubled field, of one with a nested value (quotes excepted), or of one
// whose number is too large to be read.
ApiResult<OrderList> read_orders(std::string& body);

// {"ledger":id}. Overwrites `body`.
ApiResult<Digest> read_ledger_to_adopt(std::string& body);
inline constexpr std::size_t fork_members_max = exchange::view_members_max;
// {"members":[keys]} with or without keys, {"accept":id}, or {}. Overwrites `body`.
ApiResult<ForkLedger> read_fork(std::string& body);
// An object whose values are texts or numbers, both as text; an unknown or doubled name is an error.
// Overwrites `body`.
using FlatFields = std::map<std::string, std::string, std::less<>>;
ApiResult<FlatFields> read_flat_object(std::string& body, std::initializer_list<std::string_view> known);
// host:port with a port from 1 to 65535; IPv6 hosts in brackets.
bool is_host_and_port(std::string_view address);

}  // namespace peerbook::app
