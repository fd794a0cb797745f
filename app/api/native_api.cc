#include "app/api/native_api.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "app/api/batch_codec.h"
#include "app/api/json_read.h"
#include "app/api/json_write.h"
#include "app/api/order_entry.h"
#include "app/api/peer_calls.h"
#include "app/api/query_string.h"

namespace peerbook::app {

namespace {

constexpr std::size_t book_depth_max = 1'000;
constexpr std::size_t trades_limit_max = 1'000;
constexpr std::size_t orders_limit_max = 10'000;
constexpr std::size_t withdrawals_limit_max = 10'000;
constexpr std::size_t path_segments_max = 5;

// Path cut at its slashes; more than path_segments_max is nothing we serve.
struct Segments {
    std::array<std::string_view, path_segments_max> part;
    std::size_t count = 0;
    bool overflow = false;
};

Segments segments_of(std::string_view path) {
    Segments segments;
    while (!path.empty()) {
        if (path.front() == '/') {
            path.remove_prefix(1);
            continue;
        }
        const std::size_t end = std::min(path.find('/'), path.size());
        if (segments.count == path_segments_max) {
            segments.overflow = true;
            break;
        }
        segments.part[segments.count++] = path.substr(0, end);
        path.remove_prefix(end);
    }
    return segments;
}

// `?wait=settled`, `?wait=attested`, or nothing.
ApiResult<Grade> wait_of(const QueryString& query) {
    const std::string* wait = query.find("wait");
    if (!wait || *wait == "provisional") return Grade::provisional;
    if (*wait == "settled") return Grade::settled;
    if (*wait == "attested") return Grade::attested;
    return ApiError("wait: must be \"provisional\", \"settled\" or \"attested\", not " + quoted(*wait),
                    "wait");
}

}  // namespace

ApiResponse json_response(std::string body, unsigned status) {
    ApiResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

ApiResponse text_response(unsigned status, std::string text) {
    ApiResponse response;
    response.status = status;
    response.content_type = "text/plain";
    response.body = std::move(text);
    return response;
}

ApiResponse method_not_allowed(const char* allow) {
    ApiError error("this path takes " + std::string(allow), "");
    ApiResponse response = json_response(error_json(error), 405);
    response.allow = allow;
    return response;
}

unsigned http_status(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_input:
            return 400;
        case ErrorCode::unauthorized:
            return 401;
        case ErrorCode::not_found:
            return 404;
        case ErrorCode::timed_out:
            return 504;
        case ErrorCode::conflict:
            return 409;
        case ErrorCode::too_large:
            return 413;
        case ErrorCode::unavailable:
            return 503;
        case ErrorCode::corrupt:
        case ErrorCode::io:
            return 500;
    }
    return 500;
}

ApiResponse error_response(const ApiError& error) {
    return json_response(error_json(error), http_status(error.code));
}

ApiResponse error_response(ErrorCode code, std::string message) {
    return error_response(ApiError(Error{code, std::move(message)}));
}

// Kept alive by every completion under way. The endpoints are its members.
struct NativeApi::State : std::enable_shared_from_this<NativeApi::State> {
    State(NodeService& node_service, Access cookie, NativeApiOptions chosen)
        : node(node_service), access(std::move(cookie)), options(chosen), tables(node_service) {}

    using Pointer = std::shared_ptr<State>;

    // The table must outlive the context.
    DraftContext draft_context(const MarketTable& markets) const {
        std::optional<WallTime> now;
        if (options.clock) now = options.clock->now().wall;
        return {markets, options.node, {}, now};
    }

    std::optional<ApiResponse> refusal(const ApiRequest& request) const;
    void route(ApiRequest& request, const ApiCompletion& done);
    void route_v1(ApiRequest& request, const Segments& path, const ApiCompletion& done);
    void orders(ApiRequest& request, const Segments& path, const ApiCompletion& done);

    void ready(const ApiCompletion& done);
    void post_orders(ApiRequest& request, const ApiCompletion& done);
    void post_batch(ApiRequest& request, const ApiCompletion& done);
    void post_signed(ApiRequest& request, const ApiCompletion& done);
    void cancel_order(ApiRequest& request, std::string_view id, const ApiCompletion& done);
    void get_orders(ApiRequest& request, const ApiCompletion& done);
    void get_order(ApiRequest& request, std::string_view id, const ApiCompletion& done);
    void get_book(ApiRequest& request, std::string_view symbol, const ApiCompletion& done);
    void get_trades(ApiRequest& request, const ApiCompletion& done);
    void get_accounts(ApiRequest& request, const ApiCompletion& done);
    void get_account(ApiRequest& request, std::string_view name, const ApiCompletion& done);
    void get_withdrawals(ApiRequest& request, const ApiCompletion& done);
    void get_block(ApiRequest& request, std::string_view seq, const ApiCompletion& done);
    void ledgers(ApiRequest& request, const Segments& path, const ApiCompletion& done);
    void post_adopt(ApiRequest& request, const ApiCompletion& done);
    void post_fork(ApiRequest& request, const ApiCompletion& done);

    // Asks the node and answers with what `write` makes of an answer of type T.
    template <typename T, typename Write>
    void ask(Query query, const ApiCompletion& done, Write write) {
        node.ask(std::move(query), [self = shared_from_this(), done, write](Result<Answer> answer) {
            if (!answer.ok()) return done(error_response(ApiError(answer.error())));
            const T* typed = std::get_if<T>(&*answer);
            PB_CHECK(typed, "an answer has its question's type");
            done(write(*self, *typed));
        });
    }

    // False, with the answer given, if the query has parameters other than `known`.
    std::optional<QueryString> query_of(ApiRequest& request, std::initializer_list<std::string_view> known,
                                        const ApiCompletion& done) {
        auto query = QueryString::parse(request.query, known);
        if (query.ok()) return std::move(query.value());
        done(error_response(query.error()));
        return std::nullopt;
    }

    NodeService& node;
    Access access;
    NativeApiOptions options;
    MarketTables tables;
    std::vector<ApiCompletion> awaiting_ready;  // while the node is asked; one question serves them all
    std::optional<ApiResponse> last_ready;
    MonoTime last_ready_until;
};

NativeApi::NativeApi(NodeService& node, Access access, NativeApiOptions options)
    : state_(std::make_shared<State>(node, std::move(access), options)) {}
NativeApi::~NativeApi() = default;

void NativeApi::handle(ApiRequest& request, ApiCompletion done) {
    state_->route(request, done);
}

std::optional<ApiResponse> NativeApi::refusal(const ApiRequest& request) const {
    return state_->refusal(request);
}

bool NativeApi::is_open_to_all(std::string_view path) {
    return path == "/health" || path == "/ready";
}

std::optional<ApiResponse> NativeApi::State::refusal(const ApiRequest& request) const {
    if (is_open_to_all(request.path) || access.allows(request.authorization)) return std::nullopt;
    return error_response(ErrorCode::unauthorized,
                          request.authorization.empty()
                              ? "send the header Authorization: Bearer <content of the node's cookie file>"
                              : "the cookie is not this node's; it changes at each start of the node");
}

void NativeApi::State::route(ApiRequest& request, const ApiCompletion& done) {
    if (auto refused = refusal(request)) return done(std::move(*refused));
    if (request.path == "/health") {
        if (request.method != "GET") return done(method_not_allowed("GET"));
        return done(json_response("{\"status\":\"ok\"}"));
    }
    if (request.path == "/ready") {
        if (request.method != "GET") return done(method_not_allowed("GET"));
        return ready(done);
    }
    const Segments path = segments_of(request.path);
    if (path.overflow || path.count < 3 || path.part[0] != "api" || path.part[1] != "v1")
        return done(error_response(ErrorCode::not_found, "no such path: " + printable(request.path, 100)));
    route_v1(request, path, done);
}

void NativeApi::State::route_v1(ApiRequest& request, const Segments& path, const ApiCompletion& done) {
    const std::string_view room = path.part[2];
    if (room == "orders" && path.count <= 4) return orders(request, path, done);
    if (room == "peers" && path.count <= 4)
        return done(answer_peer_call(request, path.count == 4 ? path.part[3] : "", options.network));
    if (room == "ledgers" && path.count <= 4) return ledgers(request, path, done);
    if ((room == "batch" || room == "signed") && path.count == 3) {
        if (request.method != "POST") return done(method_not_allowed("POST"));
        return room == "batch" ? post_batch(request, done) : post_signed(request, done);
    }
    const bool single =
        path.count == 3 && (room == "status" || room == "network" || room == "markets" || room == "digests" ||
                            room == "trades" || room == "accounts" || room == "withdrawals");
    const bool named = path.count == 4 && (room == "book" || room == "accounts" || room == "blocks");
    if (!single && !named)
        return done(error_response(ErrorCode::not_found, "no such path: " + printable(request.path, 100)));
    if (request.method != "GET") return done(method_not_allowed("GET"));

    if (room == "trades") return get_trades(request, done);
    if (room == "book") return get_book(request, path.part[3], done);
    if (room == "blocks") return get_block(request, path.part[3], done);
    if (named) return get_account(request, path.part[3], done);
    if (room == "accounts") return get_accounts(request, done);
    if (room == "withdrawals") return get_withdrawals(request, done);
    if (!query_of(request, {}, done)) return;
    if (room == "status") {
        return ask<StatusAnswer>(StatusQuery{}, done, [](State& self, const StatusAnswer& status) {
            return json_response(status_json(status, self.node.network_name(), self.options.network));
        });
    }
    if (room == "digests") {
        return ask<DigestsAnswer>(DigestsQuery{}, done, [](State&, const DigestsAnswer& digests) {
            return json_response(digests_json(digests));
        });
    }
    if (room == "markets") {
        return ask<MarketsAnswer>(MarketsQuery{}, done, [](State& self, const MarketsAnswer& answer) {
            return json_response(markets_json(answer, *self.tables.current()));
        });
    }
    done(json_response(network_json(*tables.current(), node.network_name())));
}

void NativeApi::State::orders(ApiRequest& request, const Segments& path, const ApiCompletion& done) {
    if (path.count == 3) {
        if (request.method == "POST") return post_orders(request, done);
        if (request.method == "GET") return get_orders(request, done);
        return done(method_not_allowed("GET, POST"));
    }
    if (request.method == "GET") return get_order(request, path.part[3], done);
    if (request.method == "DELETE") return cancel_order(request, path.part[3], done);
    done(method_not_allowed("GET, DELETE"));
}

void NativeApi::State::ledgers(ApiRequest& request, const Segments& path, const ApiCompletion& done) {
    if (path.count == 4) {
        const bool is_fork = path.part[3] == "fork";
        if (!is_fork && path.part[3] != "adopt")
            return done(
                error_response(ErrorCode::not_found, "no such path: " + printable(request.path, 100)));
        if (request.method != "POST") return done(method_not_allowed("POST"));
        return is_fork ? post_fork(request, done) : post_adopt(request, done);
    }
    if (request.method != "GET") return done(method_not_allowed("GET"));
    if (!query_of(request, {}, done)) return;
    ask<LedgersAnswer>(LedgersQuery{}, done, [](State&, const LedgersAnswer& answer) {
        return json_response(ledgers_json(answer));
    });
}

void NativeApi::State::post_adopt(ApiRequest& request, const ApiCompletion& done) {
    if (!query_of(request, {}, done)) return;
    auto ledger = read_ledger_to_adopt(request.body);
    if (!ledger.ok()) return done(error_response(ledger.error()));
    ask<GivenUpLedger>(AdoptLedger{ledger.value()}, done, [](State&, const GivenUpLedger& answer) {
        return json_response(given_up_json(answer));
    });
}

void NativeApi::State::post_fork(ApiRequest& request, const ApiCompletion& done) {
    if (!query_of(request, {}, done)) return;
    auto fork = read_fork(request.body);
    if (!fork.ok()) return done(error_response(fork.error()));
    ask<ForkAnswer>(std::move(fork.value()), done,
                    [](State&, const ForkAnswer& answer) { return json_response(fork_json(answer)); });
}

void NativeApi::State::ready(const ApiCompletion& done) {
    if (options.clock && last_ready && options.clock->now().mono < last_ready_until) return done(*last_ready);
    awaiting_ready.push_back(done);
    if (awaiting_ready.size() > 1) return;
    const ApiCompletion answer_all = [self = shared_from_this()](const ApiResponse& answer) {
        if (self->options.clock) {
            self->last_ready = answer;
            self->last_ready_until = self->options.clock->now().mono + ready_time_max;
        }
        for (const ApiCompletion& waiting : std::exchange(self->awaiting_ready, {}))
            waiting(answer);
    };
    ask<StatusAnswer>(StatusQuery{}, answer_all, [](State&, const StatusAnswer& status) {
        if (status.ready) return json_response("{\"status\":\"ready\"}");
        return error_response(ErrorCode::unavailable,
                              status.says.empty() ? "the node is not ready" : status.says);
    });
}

void NativeApi::State::post_orders(ApiRequest& request, const ApiCompletion& done) {
    auto query = query_of(request, {"wait"}, done);
    if (!query) return;
    auto wait = wait_of(*query);
    if (!wait.ok()) return done(error_response(wait.error()));
    auto list = read_orders(request.body);
    if (!list.ok()) return done(error_response(list.error()));

    const bool is_array = list.value().is_array;
    const std::shared_ptr<const MarketTable> markets = tables.current();
    const DraftContext context = draft_context(*markets);
    std::vector<Draft> drafts;
    drafts.reserve(list.value().orders.size());
    for (const OrderFields& fields : list.value().orders) {
        auto draft = make_draft(fields, context);
        if (!draft.ok()) {
            ApiError error = std::move(draft.error());
            if (is_array) {
                const std::string element = "[" + std::to_string(drafts.size()) + "]";
                error.field = element + (error.field.empty() ? "" : "." + error.field);
                error.message = "order " + element + ": " + error.message;
            }
            return done(error_response(error));
        }
        drafts.push_back(std::move(draft.value()));
    }
    submit_drafts(
        node, markets, std::move(drafts), wait.value(),
        [self = shared_from_this(), done, is_array](ApiResult<SubmitAnswer> answer) {
            if (!answer.ok()) return done(error_response(answer.error()));
            const SubmitAnswer& results = answer.value();
            const bool refused = !is_array && results.results.size() == 1 &&
                                 results.results.front().status == CommandStatus::rejected;
            done(json_response(submit_json(results, *self->tables.current(), is_array), refused ? 422 : 200));
        });
}

void NativeApi::State::post_batch(ApiRequest& request, const ApiCompletion& done) {
    auto query = query_of(request, {"wait"}, done);
    if (!query) return;
    auto wait = wait_of(*query);
    if (!wait.ok()) return done(error_response(wait.error()));
    if (request.content_type != "application/octet-stream") {
        return done(error_response(ApiError(
            "a batch is binary: send the header Content-Type: application/octet-stream", "Content-Type")));
    }
    auto batch = decode_batch_request(as_bytes(request.body));
    if (!batch.ok()) return done(error_response(ApiError(batch.error())));
    batch->wait_for = wait.value();
    batch->by_nonce = true;
    node.submit(std::move(batch).value(), [done](Result<SubmitAnswer> answer) {
        if (!answer.ok()) return done(error_response(ApiError(answer.error())));
        ApiResponse response;
        response.content_type = "application/octet-stream";
        response.body = encode_batch_reply(*answer);
        done(std::move(response));
    });
}

void NativeApi::State::post_signed(ApiRequest& request, const ApiCompletion& done) {
    auto query = query_of(request, {"wait"}, done);
    if (!query) return;
    auto wait = wait_of(*query);
    if (!wait.ok()) return done(error_response(wait.error()));
    if (request.content_type != "application/octet-stream") {
        return done(error_response(
            ApiError("a signed batch is binary: send the header Content-Type: application/octet-stream",
                     "Content-Type")));
    }
    if (request.body.empty())
        return done(
            error_response(ErrorCode::invalid_input, "the body is empty; it must be one signed batch"));
    const ByteView bytes = as_bytes(request.body);
    SubmitRequest submission;
    submission.signed_batch.assign(bytes.begin(), bytes.end());
    submission.wait_for = wait.value();
    node.submit(std::move(submission), [self = shared_from_this(), done](Result<SubmitAnswer> answer) {
        if (!answer.ok()) return done(error_response(ApiError(answer.error())));
        done(json_response(submit_json(*answer, *self->tables.current(), true)));
    });
}

void NativeApi::State::cancel_order(ApiRequest& request, std::string_view id, const ApiCompletion& done) {
    auto query = query_of(request, {"account", "nonce", "wait"}, done);
    if (!query) return;
    auto wait = wait_of(*query);
    if (!wait.ok()) return done(error_response(wait.error()));
    OrderFields fields;
    fields.set_text(OrderField::op, "cancel");
    fields.set_text(OrderField::order_id, id);
    if (const std::string* account = query->find("account")) fields.set_text(OrderField::account, *account);
    if (const std::string* nonce = query->find("nonce")) fields.set_text(OrderField::nonce, *nonce);
    const std::shared_ptr<const MarketTable> markets = tables.current();
    auto draft = make_draft(fields, draft_context(*markets));
    if (!draft.ok()) return done(error_response(draft.error()));
    std::vector<Draft> drafts;
    drafts.push_back(std::move(draft.value()));
    submit_drafts(node, markets, std::move(drafts), wait.value(),
                  [self = shared_from_this(), done](ApiResult<SubmitAnswer> answer) {
                      if (!answer.ok()) return done(error_response(answer.error()));
                      const auto& results = answer.value().results;
                      const bool refused =
                          !results.empty() && results.front().status == CommandStatus::rejected;
                      done(json_response(submit_json(answer.value(), *self->tables.current(), false),
                                         refused ? 422 : 200));
                  });
}

void NativeApi::State::get_orders(ApiRequest& request, const ApiCompletion& done) {
    auto query = query_of(request, {"account", "limit"}, done);
    if (!query) return;
    auto limit = query->number("limit", 1'000, 1, orders_limit_max);
    if (!limit.ok()) return done(error_response(limit.error()));
    OrdersQuery orders_query{query->text("account"), static_cast<std::size_t>(limit.value())};
    if (orders_query.account.empty())
        return done(error_response(ApiError("account: is missing; add ?account=alice", "account")));
    ask<OrdersAnswer>(std::move(orders_query), done, [](State& self, const OrdersAnswer& answer) {
        return json_response(orders_json(answer, *self.tables.current()));
    });
}

void NativeApi::State::get_order(ApiRequest& request, std::string_view id, const ApiCompletion& done) {
    if (!query_of(request, {}, done)) return;
    auto parsed = parse_order_id(id, "order_id");
    if (!parsed.ok()) return done(error_response(parsed.error()));
    ask<OrderAnswer>(OrderQuery{parsed.value()}, done, [](State& self, const OrderAnswer& answer) {
        return json_response(order_json(answer, *self.tables.current()));
    });
}

void NativeApi::State::get_book(ApiRequest& request, std::string_view symbol, const ApiCompletion& done) {
    auto query = query_of(request, {"depth", "level"}, done);
    if (!query) return;
    auto depth = query->number("depth", 20, 1, book_depth_max);
    if (!depth.ok()) return done(error_response(depth.error()));
    auto level = query->number("level", 2, 2, 3);
    if (!level.ok()) return done(error_response(level.error()));
    const auto name = percent_decoded(symbol, false);
    const auto market = name ? tables.current()->find_market(*name) : std::nullopt;
    if (!market) {
        ApiError error("no market " + quoted(symbol) + " in this network; GET /api/v1/markets lists them",
                       "market");
        error.code = ErrorCode::not_found;
        return done(error_response(error));
    }
    const bool with_orders = level.value() == 3;
    ask<BookAnswer>(BookQuery{*market, static_cast<std::size_t>(depth.value()), with_orders}, done,
                    [with_orders](State& self, const BookAnswer& book) {
                        return json_response(book_json(book, *self.tables.current(), with_orders));
                    });
}

void NativeApi::State::get_trades(ApiRequest& request, const ApiCompletion& done) {
    auto query = query_of(request, {"market", "after", "limit", "account", "ledger"}, done);
    if (!query) return;
    TradesQuery trades;
    if (const std::string* ledger = query->find("ledger")) {
        const auto id = fixed_from_hex<Digest>(*ledger);
        if (!id.ok())
            return done(error_response(ApiError(
                "ledger: a ledger's id has 64 hexadecimal digits, not " + quoted(*ledger), "ledger")));
        trades.ledger = *id;
    }
    if (const std::string* symbol = query->find("market")) {
        trades.market = tables.current()->find_market(*symbol);
        if (!trades.market)
            return done(error_response(
                ApiError("market: no market " + quoted(*symbol) + " in this network", "market")));
    }
    if (query->find("after")) {
        auto after = query->number("after", 0, 0, UINT64_MAX);
        if (!after.ok()) return done(error_response(after.error()));
        if (!trades.market)
            return done(error_response(
                ApiError("market: is needed with after, which counts a market's trades", "market")));
        trades.after = after.value();
    }
    auto limit = query->number("limit", 100, 1, trades_limit_max);
    if (!limit.ok()) return done(error_response(limit.error()));
    trades.limit = static_cast<std::size_t>(limit.value());
    trades.account = query->text("account");
    ask<TradesAnswer>(std::move(trades), done, [](State& self, const TradesAnswer& answer) {
        return json_response(trades_json(answer, *self.tables.current()));
    });
}

void NativeApi::State::get_accounts(ApiRequest& request, const ApiCompletion& done) {
    if (!query_of(request, {}, done)) return;
    ask<AccountsAnswer>(AccountQuery{}, done, [](State&, const AccountsAnswer& answer) {
        return json_response(accounts_json(answer));
    });
}

void NativeApi::State::get_account(ApiRequest& request, std::string_view name, const ApiCompletion& done) {
    if (!query_of(request, {}, done)) return;
    auto decoded = percent_decoded(name, false);
    if (!decoded || decoded->empty())
        return done(error_response(ApiError("account: bad percent code in the path", "account")));
    ask<AccountsAnswer>(
        AccountQuery{*decoded}, done, [name = *decoded](State& self, const AccountsAnswer& answer) {
            if (answer.accounts.empty())
                return error_response(ErrorCode::not_found,
                                      "no account " + quoted(name) + " has been opened here");
            return json_response(account_json(answer.accounts.front(), *self.tables.current()));
        });
}

void NativeApi::State::get_withdrawals(ApiRequest& request, const ApiCompletion& done) {
    auto query = query_of(request, {"account", "asset", "limit"}, done);
    if (!query) return;
    WithdrawalsQuery withdrawals;
    withdrawals.account = query->text("account");
    if (const std::string* name = query->find("asset")) {
        withdrawals.asset = tables.current()->find_asset(*name);
        if (!withdrawals.asset)
            return done(
                error_response(ApiError("asset: no asset " + quoted(*name) + " in this network", "asset")));
    }
    auto limit = query->number("limit", 1'000, 1, withdrawals_limit_max);
    if (!limit.ok()) return done(error_response(limit.error()));
    withdrawals.limit = static_cast<std::size_t>(limit.value());
    ask<WithdrawalsAnswer>(std::move(withdrawals), done, [](State& self, const WithdrawalsAnswer& answer) {
        return json_response(withdrawals_json(answer, *self.tables.current()));
    });
}

void NativeApi::State::get_block(ApiRequest& request, std::string_view seq, const ApiCompletion& done) {
    auto query = query_of(request, {"wait"}, done);
    if (!query) return;
    auto number = parse_u64(seq, "seq");
    if (!number.ok()) return done(error_response(number.error()));
    if (query->text("wait") != "settled")
        return done(error_response(
            ApiError("wait: must be \"settled\": the answer comes when the block is", "wait")));
    ask<SettledAnswer>(SettledQuery{number.value()}, done, [](State&, const SettledAnswer& answer) {
        return json_response(settled_json(answer));
    });
}

}  // namespace peerbook::app
