#include "app/cli/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "app/cli/http_client.h"
#include "app/cli/json_text.h"

namespace peerbook::app::cli {

namespace {

constexpr const char* default_url = "http://127.0.0.1:8080";
// A cookie and an address are a line each.
constexpr std::streamsize small_file_bytes_max = 4096;

std::string value_of(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

// The first line without blanks around it.
Result<std::string> read_line_of(const std::string& path) {
    errno = 0;
    std::ifstream file(path);
    if (!file) {
        const int error = errno;
        return Error{error == ENOENT || error == ENOTDIR ? ErrorCode::not_found : ErrorCode::io,
                     path + ": " + std::strerror(error)};
    }
    std::string text(static_cast<std::size_t>(small_file_bytes_max), '\0');
    file.read(text.data(), small_file_bytes_max);
    text.resize(static_cast<std::size_t>(file.gcount()));
    text.erase(std::min(text.find_first_of("\r\n"), text.size()));
    text.erase(text.find_last_not_of(" \t") + 1);
    text.erase(0, text.find_first_not_of(" \t"));
    return text;
}

// False for this machine's loopback addresses, and for what is no address at all: that is refused elsewhere.
bool is_elsewhere(const std::string& url) {
    const Result<HttpAddress> address = parse_http_address(url);
    if (!address) return false;
    in_addr v4{};
    in6_addr v6{};
    if (::inet_pton(AF_INET, address->host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) != 127;
    if (::inet_pton(AF_INET6, address->host.c_str(), &v6) == 1) return !IN6_IS_ADDR_LOOPBACK(&v6);
    return address->host != "localhost";
}

// One line, so that scripts can read answers line by line.
std::string one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
}

Exit refuse(const ClientOptions& options, const NodeTarget& target, const HttpResponse& response) {
    const Result<rapidjson::Document> answer = parse_json(response.body);
    Failure failure{Exit::refused, "http_" + std::to_string(response.status), {}};
    if (answer && !text_at(*answer, "message").empty()) {
        if (options.json) {
            print(one_line(response.body));
            return failure.exit;
        }
        failure.message = terminal_text(text_at(*answer, "message"), 2'000);
        const std::string field = text_at(*answer, "field");
        if (!field.empty() && failure.message.find(field) == std::string::npos) {
            failure.message += " (field '" + terminal_text(field) + "')";
        }
    } else {
        failure.message = "the node at " + target.url + " answered HTTP " + std::to_string(response.status) +
                          " to the request";
    }
    if (response.status == 401) {
        failure.message +=
            ". The cookie was read from " + target.cookie_path +
            ": name the data directory of that node with --data-dir, or its cookie with --cookie-file";
    }
    return report(failure, options.json);
}

}  // namespace

Environment process_environment() {
    Environment environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if (const std::size_t equals = text.find('='); equals != std::string::npos) {
            environment.emplace(text.substr(0, equals), text.substr(equals + 1));
        }
    }
    return environment;
}

std::string data_directory(const std::string& flag, const Environment& environment) {
    std::string path = flag.empty() ? value_of(environment, "PEERBOOK_DATA_DIR") : flag;
    if (path.empty()) path = "~/.peerbook";
    if (path == "~" || path.starts_with("~/")) path = value_of(environment, "HOME") + path.substr(1);
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    return path;
}

NodeTarget find_node(const ClientOptions& options, const Environment& environment) {
    const std::string directory = data_directory(options.data_dir, environment);
    NodeTarget target;
    target.cookie_path = options.cookie_file.empty() ? directory + "/cookie" : options.cookie_file;
    target.url = options.node.empty() ? value_of(environment, "PEERBOOK_NODE") : options.node;
    if (!target.url.empty()) {
        target.source = options.node.empty() ? "PEERBOOK_NODE" : "--node";
        if (options.cookie_file.empty() && is_elsewhere(target.url)) target.cookie_path.clear();
        return target;
    }
    const std::string address_path = directory + "/api.address";
    const Result<std::string> address = read_line_of(address_path);
    target.url = address && !address->empty() ? *address : default_url;
    target.source = address && !address->empty() ? address_path : std::string();
    return target;
}

std::optional<Failure> cookie_withheld(const NodeTarget& target) {
    if (!target.cookie_path.empty()) return std::nullopt;
    return Failure{Exit::usage, "no_cookie",
                   "the node " + terminal_text(target.url) + " (from " + target.source +
                       ") is not on this machine, so this machine's cookie is not sent to it; name the file "
                       "with that node's cookie with --cookie-file"};
}

Exit ask_node_for(const ClientOptions& options, const NodeRequest& request,
                  const std::function<void(const std::string& body)>& take) {
    const NodeTarget target = find_node(options, process_environment());
    if (Result<HttpAddress> address = parse_http_address(target.url); !address) {
        return report({Exit::usage, "invalid_input", address.error().within(target.source).message},
                      options.json);
    }
    if (const std::optional<Failure> withheld = cookie_withheld(target))
        return report(*withheld, options.json);
    const Result<std::string> cookie = read_line_of(target.cookie_path);
    Result<std::unique_ptr<HttpClient>> client = HttpClient::connect(
        target.url, cookie ? *cookie : std::string(), Duration::seconds(options.timeout_s));
    if (!client) {
        const ErrorCode code = client.error().code;
        if (code == ErrorCode::invalid_input) {
            return report({Exit::environment, "bad_cookie", target.cookie_path + " is no cookie of a node"},
                          options.json);
        }
        return report(
            {Exit::unreachable, to_string(code),
             client.error().message + (target.source.empty() ? "" : " (address from " + target.source + ")") +
                 ". Start one with `peerbook node`, or name it with --node"},
            options.json);
    }
    if (!cookie) {
        return report(
            {Exit::environment, "no_cookie",
             "cannot read the node's cookie " + cookie.error().message +
                 ". Name the node's data directory with --data-dir, or its cookie with --cookie-file"},
            options.json);
    }
    const Result<HttpResponse> response = (*client)->request(
        request.method, request.target, request.body.empty() ? "" : "application/json", request.body);
    if (!response) {
        const bool lost =
            response.error().code == ErrorCode::unavailable || response.error().code == ErrorCode::timed_out;
        return report({lost ? Exit::unreachable : Exit::environment, to_string(response.error().code),
                       response.error().message},
                      options.json);
    }
    if (response->status >= 400) return refuse(options, target, *response);
    take(response->body);
    return Exit::ok;
}

Exit ask_node(const ClientOptions& options, const NodeRequest& request, const Draw& draw) {
    std::string body;
    const Exit exit = ask_node_for(options, request, [&body](const std::string& taken) { body = taken; });
    if (exit != Exit::ok) return exit;
    if (options.json) {
        print(one_line(body));
        return Exit::ok;
    }
    const Result<rapidjson::Document> answer = parse_json(body);
    if (!answer) {
        return report({Exit::environment, "bad_answer", answer.error().within("the node's answer").message},
                      false);
    }
    const Result<std::string> text = draw(*answer, TerminalStyle::of(stdout));
    if (!text)
        return report({Exit::environment, "bad_answer", text.error().within("the node's answer").message},
                      false);
    print(*text);
    return Exit::ok;
}

}  // namespace peerbook::app::cli
