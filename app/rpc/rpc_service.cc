#include "app/rpc/rpc_service.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <utility>

#include "app/api/json_writer.h"

namespace peerbook::app {

namespace {

constexpr const char* bad_payload = "ERR_RPC_PAYLOAD: ";
constexpr const char* busy = "ERR_RPC_BUSY";
constexpr std::size_t word_bytes_max = 64;

// Goes into a path or a query as it is.
bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= word_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
           });
}

// {"code","message"} as Grenache's error, which is a text.
std::string error_text(const ApiResponse& response) {
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag>(response.body.data(), response.body.size());
    const auto text = [&](const char* name) {
        if (!document.IsObject()) return std::string("?");
        const auto found = document.FindMember(name);
        return found == document.MemberEnd() || !found->value.IsString()
                   ? std::string("?")
                   : std::string(found->value.GetString());
    };
    return text("code") + ": " + text("message");
}

std::optional<std::uint64_t> number_of(const std::string& text) {
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// As much as `bytes_max`; nothing if it is not hexadecimal.
std::optional<Bytes> bytes_of(const std::string& hex, std::size_t bytes_max) {
    if (hex.size() > 2 * bytes_max) return std::nullopt;
    Bytes bytes(hex.size() / 2);
    if (!from_hex(hex, bytes).ok()) return std::nullopt;
    return bytes;
}

}  // namespace

// One question on its way.
struct RpcService::Call {
    p2p::RpcQuestion question;
    std::string host;
    ApiCompletion done;

    // A completion that comes late may outlive the service; it has all that it needs.
    void succeed(const std::string& json) const { done(json_response(p2p::rpc_result(question.rid, json))); }
    void fail(const std::string& error) const { done(json_response(p2p::rpc_error(question.rid, error))); }

    // Empty where the question has no such field.
    const std::string& field(std::string_view name) const {
        static const std::string none;
        const auto found = question.fields.find(name);
        return found == question.fields.end() ? none : found->second;
    }
    // The first field that is not one of `known`; empty: all are.
    std::string unknown_field(std::initializer_list<std::string_view> known) const {
        for (const auto& [name, value] : question.fields)
            if (std::find(known.begin(), known.end(), name) == known.end()) return name;
        return {};
    }
};

RpcService::RpcService(Parts parts)
    : parts_(std::move(parts)),
      authorization_("Bearer " + parts_.secret),
      waiting_(std::make_shared<std::size_t>(0)),
      api_(parts_.node, Access(parts_.secret), {parts_.key, nullptr, nullptr}),
      sources_(rpc_source_rate, rpc_sources_max),
      call_sources_(rpc_call_source_rate, rpc_sources_max),
      bucket_(rpc_rate, parts_.clock.now().mono),
      call_bucket_(rpc_call_rate, parts_.clock.now().mono),
      open_bucket_(rpc_open_rate, parts_.clock.now().mono) {}

void RpcService::handle(ApiRequest& request, ApiCompletion done) {
    const MonoTime now = parts_.clock.now().mono;
    // A host's own limit first, or it would use up that of all.
    if (!sources_.take(now, request.remote) || !bucket_.take(now)) return done(text_response(503, busy));
    if (request.path != "/" || !request.query.empty())
        return done(text_response(404, "ERR_RPC_PATH: Grenache's RPC has the path / alone"));
    if (request.method != "POST") {
        ApiResponse wrong = text_response(405, "ERR_RPC_METHOD: Grenache's RPC takes POST alone");
        wrong.allow = "POST";
        return done(std::move(wrong));
    }
    auto question = p2p::read_rpc_question(request.body);
    if (!question) return done(text_response(400, "ERR_RPC_REQUEST: " + question.error().message));
    Call call{std::move(*question), std::string(request.remote), std::move(done)};
    if (!call.question.mistake.empty()) return call.fail(bad_payload + call.question.mistake);
    if (call.question.key != parts_.service)
        return call.fail("ERR_RPC_KEY: this node serves " + parts_.service);
    if (call.question.method.starts_with("stream.")) return stream(std::move(call));
    if (!call_sources_.take(now, call.host) || !call_bucket_.take(now)) return call.fail(busy);
    this->call(std::move(call));
}

void RpcService::call(Call call) {
    struct Known {
        std::string_view method;
        std::initializer_list<std::string_view> fields;
    };
    static constexpr std::string_view market = "market", depth = "depth", limit = "limit", batch = "batch",
                                      wait = "wait";
    const Known known[] = {{"status", {}},           {"network", {}},           {"markets", {}},
                           {"digests", {}},          {"book", {market, depth}}, {"trades", {market, limit}},
                           {"submit", {batch, wait}}};
    const std::string method = call.question.method;
    const auto* const one = std::find_if(std::begin(known), std::end(known),
                                         [&](const Known& each) { return each.method == method; });
    if (one == std::end(known))
        return call.fail(
            "ERR_RPC_METHOD: the methods are status, network, markets, digests, book, trades and submit");
    if (const std::string unknown = call.unknown_field(one->fields); !unknown.empty())
        return call.fail(bad_payload + method + " has no field " + quoted(unknown));
    if (method == "status") return status(call);
    std::string query;
    for (const std::string_view name : one->fields) {
        const std::string& value = call.field(name);
        if (name == batch || !call.question.fields.contains(name) || (method == "book" && name == market))
            continue;
        if (!is_word(value)) return call.fail(bad_payload + std::string(name) + " is no such thing");
        query += (query.empty() ? "" : "&") + std::string(name) + "=" + value;
    }
    ApiRequest request;
    request.method = "GET";
    if (method == "submit") {
        const auto bytes = bytes_of(call.field(batch), p2p::rpc_chunk_bytes_max);
        if (!bytes || bytes->empty())
            return call.fail(bad_payload + std::string("batch must be a signed batch in hexadecimal"));
        request.method = "POST";
        request.content_type = "application/octet-stream";
        request.body.assign(bytes->begin(), bytes->end());
        const std::string& until = call.field(wait);
        if (until.empty() || until == "provisional")
            return ask_api(call, std::move(request), "/api/v1/signed", query);
        if (*waiting_ >= rpc_waiting_max) return call.fail(busy);
        ++*waiting_;
        call.done = [waiting = waiting_, done = std::move(call.done)](ApiResponse response) {
            --*waiting;
            done(std::move(response));
        };
        return ask_api(call, std::move(request), "/api/v1/signed", query);
    }
    if (method == "book") {
        if (!is_word(call.field(market))) return call.fail(bad_payload + std::string("book needs a market"));
        return ask_api(call, std::move(request), "/api/v1/book/" + call.field(market), query);
    }
    ask_api(call, std::move(request), "/api/v1/" + method, query);
}

void RpcService::ask_api(const Call& call, ApiRequest request, const std::string& path,
                         const std::string& query) {
    request.path = path;
    request.query = query;
    request.authorization = authorization_;
    request.remote = call.host;
    api_.handle(request, [call](const ApiResponse& response) {
        if (response.status == 200)
            call.succeed(response.body);
        else
            call.fail(error_text(response));
    });
}

void RpcService::status(const Call& call) {
    parts_.node.ask(StatusQuery{}, [call, name = parts_.node.network_name()](Result<Answer> answer) {
        if (!answer.ok()) return call.fail("unavailable: " + answer.error().message);
        const StatusAnswer* status = std::get_if<StatusAnswer>(&*answer);
        PB_CHECK(status, "an answer has its question's type");
        Json json;
        json.begin();
        json.key("node").hex(status->node);
        json.key("network_name").text(name);
        json.key("network").hex(status->network);
        json.key("ledger").hex(status->ledger);
        json.key("role").text(status->role);
        json.key("says").text(status->says);
        json.key("ready").flag(status->ready);
        json.key("members").number(status->members);
        json.key("commits").number(status->commits);
        json.key("settled_commits").number(status->settled_commits);
        json.key("attested_commits").number(status->attested_commits);
        json.end();
        call.succeed(json.take());
    });
}

void RpcService::stream(Call call) {
    if (!parts_.streams) return call.fail("ERR_RPC_METHOD: this node has no connections carried");
    const std::string& method = call.question.method;
    const auto failed = [](const Error& error) { return "ERR_RPC_STREAM: " + error.message; };
    const bool is_send = method == "stream.send", is_receive = method == "stream.receive";
    if (method == "stream.open") {
        if (!open_bucket_.take(parts_.clock.now().mono)) return call.fail(busy);
        const auto opened = parts_.streams->open(call.host);
        return opened ? call.succeed(p2p::rpc_opened_json(*opened)) : call.fail(failed(opened.error()));
    }
    if (!is_send && !is_receive && method != "stream.close")
        return call.fail("ERR_RPC_METHOD: streams have stream.open, .send, .receive and .close");
    const auto id = fixed_from_hex<p2p::RpcStreamId>(call.field("stream"));
    if (!id) return call.fail(bad_payload + std::string("stream must be 32 hexadecimal digits"));
    if (method == "stream.close")
        return parts_.streams->close(*id) ? call.succeed("{}")
                                          : call.fail("ERR_RPC_STREAM: there is no such stream");
    const auto at = number_of(call.field("at"));
    if (!at) return call.fail(bad_payload + std::string("at must be a number of bytes"));
    if (is_receive)
        return parts_.streams->receive(*id, *at, [call, failed](const Result<p2p::RpcReceived>& received) {
            received ? call.succeed(p2p::rpc_received_json(*received)) : call.fail(failed(received.error()));
        });
    auto data = bytes_of(call.field("data"), p2p::rpc_chunk_bytes_max);
    if (!data)
        return call.fail(bad_payload + std::string("data must be at most 131,072 bytes in hexadecimal"));
    call.question.fields.clear();  // nothing of it is needed any more, and it is large
    parts_.streams->send(*id, *at, std::move(*data), [call, failed](const Result<std::uint64_t>& sent) {
        sent ? call.succeed(p2p::rpc_sent_json(*sent)) : call.fail(failed(sent.error()));
    });
}

}  // namespace peerbook::app
