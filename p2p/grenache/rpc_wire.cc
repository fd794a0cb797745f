#include "p2p/grenache/rpc_wire.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>
#include <utility>

#include "base/hash.h"
#include "p2p/dht/dht.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

namespace {

using rapidjson::Value;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

constexpr std::size_t name_bytes_max = 64;  // of a key, a method, a field
constexpr std::size_t quoted_bytes_max = 120;
constexpr unsigned parse_flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

void write_text(Writer& writer, std::string_view text) {
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

template <typename Write>
std::string json(Write write) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    write(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

std::string_view text_of(const Value& value) {
    return {value.GetString(), value.GetStringLength()};
}

// A stranger's words for the log.
std::string quoted(std::string_view text) {
    return "'" + printable(text.substr(0, quoted_bytes_max)) + "'";
}

template <typename WriteFields>
std::string question(std::string_view rid, std::string_view key, const char* method, WriteFields fields) {
    return json([&](Writer& writer) {
        writer.StartArray();
        write_text(writer, rid);
        write_text(writer, key);
        writer.StartObject();
        writer.Key("method");
        writer.String(method);
        fields(writer);
        writer.EndObject();
        writer.EndArray();
    });
}

void write_stream(Writer& writer, const RpcStreamId& stream) {
    writer.Key("stream");
    write_text(writer, to_hex(stream));
}

// As text, since JavaScript's numbers end at 2^53.
void write_at(Writer& writer, std::uint64_t at) {
    writer.Key("at");
    write_text(writer, std::to_string(at));
}

std::string_view read_fields(const Value& payload, RpcQuestion& question) {
    if (payload.IsString()) {
        question.method = text_of(payload);
        return question.method.size() > name_bytes_max ? "the method's name is too long" : "";
    }
    if (!payload.IsObject()) return "the payload must be a text or an object";
    if (payload.MemberCount() > rpc_fields_max + 1) return "the payload has too many fields";
    bool has_method = false;
    for (const auto& [name, value] : payload.GetObject()) {
        std::string text;
        if (value.IsString())
            text = text_of(value);
        else if (value.IsUint64())
            text = std::to_string(value.GetUint64());
        else
            return "each field of the payload must be a text or a whole number that is not negative";
        if (name.GetStringLength() > name_bytes_max) return "a field's name is too long";
        if (text_of(name) == "method") {
            if (std::exchange(has_method, true)) return "a field is there twice";
            if (text.size() > name_bytes_max) return "the method's name is too long";
            question.method = std::move(text);
        } else if (!question.fields.emplace(text_of(name), std::move(text)).second) {
            return "a field is there twice";
        }
    }
    return has_method ? "" : "the payload has no method";
}

// The result of the answer to the question `rid`, as part of `document`.
Result<const Value*> result_of(rapidjson::Document& document, std::string_view rid, unsigned http_status,
                               std::string_view body) {
    if (body.size() > rpc_body_bytes_max) return Error{ErrorCode::too_large, "the answer is too large"};
    if (http_status != 200)
        return Error{ErrorCode::unavailable, "answers " + std::to_string(http_status) + " " + quoted(body)};
    document.Parse<parse_flags>(body.data(), body.size());
    const Error no_rpc{ErrorCode::corrupt, "what answers is no such RPC: " + quoted(body)};
    if (document.HasParseError() || !document.IsArray() || document.Size() != 3) return no_rpc;
    if (document[1].IsString())
        return Error{ErrorCode::unavailable, "answers " + quoted(text_of(document[1]))};
    if (!document[0].IsString() || text_of(document[0]) != rid || !document[1].IsNull() ||
        !document[2].IsObject())
        return no_rpc;
    return static_cast<const Value*>(&document[2]);
}

Result<std::string_view> text_in(const Value& object, const char* name) {
    const auto found = object.FindMember(name);
    if (found == object.MemberEnd() || !found->value.IsString())
        return Error{ErrorCode::corrupt, std::string("an answer without ") + name};
    return text_of(found->value);
}

Result<std::uint64_t> at_of(const Value& object) {
    const auto text = text_in(object, "at");
    if (!text) return text.error();
    std::uint64_t at = 0;
    const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), at);
    if (failure != std::errc() || end != text->data() + text->size())
        return Error{ErrorCode::corrupt, "an answer whose 'at' is no number"};
    return at;
}

}  // namespace

std::string rpc_service_name(const Digest& network) {
    return to_hex(hash_of("peerbook rpc service", network.view())).substr(0, DhtKey::size);
}

Result<RpcQuestion> read_rpc_question(std::string_view body) {
    rapidjson::Document document;
    document.Parse<parse_flags>(body.data(), body.size());
    if (document.HasParseError() || !document.IsArray() || document.Size() != 3 || !document[0].IsString() ||
        document[0].GetStringLength() > rpc_rid_bytes_max)
        return Error{ErrorCode::invalid_input,
                     "the body must be JSON: [rid, key, payload], rid being a text of at most 100 bytes"};
    RpcQuestion question;
    question.rid = text_of(document[0]);
    if (!document[1].IsString() || document[1].GetStringLength() > name_bytes_max) {
        question.mistake = "the key must be a text";
        return question;
    }
    question.key = text_of(document[1]);
    question.mistake = read_fields(document[2], question);
    return question;
}

std::string rpc_result(std::string_view rid, std::string_view result) {
    return json([&](Writer& writer) {
        writer.StartArray();
        write_text(writer, rid);
        writer.Null();
        writer.RawValue(result.data(), result.size(), rapidjson::kObjectType);
        writer.EndArray();
    });
}

std::string rpc_error(std::string_view rid, std::string_view error) {
    return json([&](Writer& writer) {
        writer.StartArray();
        write_text(writer, rid);
        write_text(writer, error);
        writer.Null();
        writer.EndArray();
    });
}

std::string rpc_opened_json(const RpcStreamId& stream) {
    return json([&](Writer& writer) {
        writer.StartObject();
        write_stream(writer, stream);
        writer.EndObject();
    });
}

std::string rpc_sent_json(std::uint64_t at) {
    return json([&](Writer& writer) {
        writer.StartObject();
        write_at(writer, at);
        writer.EndObject();
    });
}

std::string rpc_received_json(const RpcReceived& received) {
    return json([&](Writer& writer) {
        writer.StartObject();
        write_at(writer, received.at);
        writer.Key("data");
        write_text(writer, to_hex(received.data));
        writer.Key("end");
        writer.Bool(received.is_end);
        writer.EndObject();
    });
}

std::string rpc_open_body(std::string_view rid, std::string_view key) {
    return question(rid, key, "stream.open", [](Writer&) {});
}

std::string rpc_send_body(std::string_view rid, std::string_view key, const RpcStreamId& stream,
                          std::uint64_t at, ByteView data) {
    return question(rid, key, "stream.send", [&](Writer& writer) {
        write_stream(writer, stream);
        write_at(writer, at);
        writer.Key("data");
        write_text(writer, to_hex(data));
    });
}

std::string rpc_receive_body(std::string_view rid, std::string_view key, const RpcStreamId& stream,
                             std::uint64_t at) {
    return question(rid, key, "stream.receive", [&](Writer& writer) {
        write_stream(writer, stream);
        write_at(writer, at);
    });
}

std::string rpc_close_body(std::string_view rid, std::string_view key, const RpcStreamId& stream) {
    return question(rid, key, "stream.close", [&](Writer& writer) { write_stream(writer, stream); });
}

Result<RpcStreamId> read_rpc_opened(std::string_view rid, unsigned http_status, std::string_view body) {
    rapidjson::Document document;
    const auto result = result_of(document, rid, http_status, body);
    if (!result) return result.error();
    const auto text = text_in(**result, "stream");
    if (!text) return text.error();
    const auto id = fixed_from_hex<RpcStreamId>(*text);
    if (!id) return Error{ErrorCode::corrupt, "an answer whose stream has no id"};
    return *id;
}

Result<std::uint64_t> read_rpc_sent(std::string_view rid, unsigned http_status, std::string_view body) {
    rapidjson::Document document;
    const auto result = result_of(document, rid, http_status, body);
    if (!result) return result.error();
    return at_of(**result);
}

Result<RpcReceived> read_rpc_received(std::string_view rid, unsigned http_status, std::string_view body) {
    rapidjson::Document document;
    const auto result = result_of(document, rid, http_status, body);
    if (!result) return result.error();
    const auto at = at_of(**result);
    if (!at) return at.error();
    const auto data = text_in(**result, "data");
    if (!data) return data.error();
    RpcReceived received;
    received.at = *at;
    received.data.resize(data->size() / 2);
    if (data->size() > 2 * rpc_chunk_bytes_max || !from_hex(*data, received.data).ok())
        return Error{ErrorCode::corrupt, "an answer whose data is not hexadecimal"};
    const auto end = (*result)->FindMember("end");
    received.is_end = end != (*result)->MemberEnd() && end->value.IsBool() && end->value.GetBool();
    return received;
}

}  // namespace peerbook::p2p
