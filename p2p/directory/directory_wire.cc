#include "p2p/directory/directory_wire.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <utility>

#include "p2p/peers/ip_address.h"
#include "p2p/wire/json_members.h"

namespace peerbook::p2p {

namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

constexpr std::array<std::pair<const char*, ServicesOccasion>, 3> occasions = {{
    {"hello", ServicesOccasion::hello},
    {"peer_announcement", ServicesOccasion::announcement},
    {"peer_update", ServicesOccasion::update},
}};
constexpr const char* request_type = "peer_request";
constexpr const char* list_type = "peer_list_response";

std::vector<std::string> read_services(Members& in) {
    std::vector<std::string> services = in.texts("services", services_max);
    if (!std::all_of(services.begin(), services.end(), is_service_name))
        in.fail("services", "has one that is no name");
    return services;
}

std::vector<ListedProvider> read_providers(Members& in) {
    std::vector<ListedProvider> providers;
    for (const rapidjson::Value* object : in.objects("peers", listed_providers_max)) {
        Members one(*object);
        ListedProvider provider;
        provider.node = one.fixed<PeerId>("nodeId");
        if (one.has("address")) {
            const auto address = parse_peer_address(one.text("address", host_bytes_max + 8));
            if (address && parse_ip(address->host))
                provider.address = *address;
            else
                one.fail("address", "is no address literal and port");
        }
        if (!one.failure().empty()) in.fail("peers", "has one that is malformed");
        providers.push_back(std::move(provider));
    }
    return providers;
}

void write_text(Writer& writer, const char* name, std::string_view value) {
    writer.Key(name);
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

struct BodyWriter {
    Writer& writer;

    const char* operator()(const ServicesNews& news) const {
        writer.Key("services");
        writer.StartArray();
        for (const std::string& service : news.services)
            writer.String(service.data(), static_cast<rapidjson::SizeType>(service.size()));
        writer.EndArray();
        return std::find_if(occasions.begin(), occasions.end(),
                            [&](const auto& one) { return one.second == news.occasion; })
            ->first;
    }
    const char* operator()(const ServiceRequest& request) const {
        write_text(writer, "service", request.service);
        return request_type;
    }
    const char* operator()(const ServiceList& list) const {
        write_text(writer, "request", to_hex(list.request));
        writer.Key("peers");
        writer.StartArray();
        for (const ListedProvider& provider : list.providers) {
            writer.StartObject();
            write_text(writer, "nodeId", to_hex(provider.node));
            if (provider.address) write_text(writer, "address", to_string(*provider.address));
            writer.EndObject();
        }
        writer.EndArray();
        return list_type;
    }
};

}  // namespace

bool is_service_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-' || c == '/' || c == ':' || c == '+';
    };
    return !name.empty() && name.size() <= service_bytes_max && std::all_of(name.begin(), name.end(), fits);
}

Result<std::optional<DirectoryBody>> parse_directory(const SignedControl& message) {
    const auto occasion = std::find_if(occasions.begin(), occasions.end(),
                                       [&](const auto& one) { return message.type == one.first; });
    if (occasion == occasions.end() && message.type != request_type && message.type != list_type)
        return std::optional<DirectoryBody>();
    rapidjson::Document document;
    if (Status parsed = parse_object(message.payload, document); !parsed.ok())
        return Error{ErrorCode::invalid_input, message.type + " payload: " + parsed.error().message};
    Members in(document);
    DirectoryBody body;
    if (occasion != occasions.end())
        body = ServicesNews{occasion->second, read_services(in)};
    else if (message.type == request_type)
        body = ServiceRequest{in.text("service", service_bytes_max)};
    else
        body = ServiceList{in.fixed<MessageId>("request"), read_providers(in)};
    const auto* request = std::get_if<ServiceRequest>(&body);
    if (request && !is_service_name(request->service)) in.fail("service", "is no name");
    if (!in.failure().empty()) return Error{ErrorCode::invalid_input, message.type + "." + in.failure()};
    return std::optional(std::move(body));
}

void write_directory(const DirectoryBody& body, SignedControl& message) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    message.type = std::visit(BodyWriter{writer}, body);
    writer.EndObject();
    message.payload.assign(buffer.GetString(), buffer.GetSize());
}

}  // namespace peerbook::p2p
