#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/json_text.h"
#include "app/cli/setting_flags.h"
#include "app/node_keys/certificate_file.h"
#include "app/node_keys/node_keys.h"
#include "base/system_clock.h"
#include "config/network_file.h"

namespace peerbook::app::cli {

namespace {

constexpr unsigned days_default = 365;
constexpr unsigned days_max = 3'650;
constexpr std::int64_t ms_per_day = 86'400'000;

struct AuthorityPlace {
    std::string directory, passphrase_file;
    bool json = false;

    PassphraseSource passphrase() const { return {passphrase_file, true, false}; }
};

std::shared_ptr<AuthorityPlace> add_place(CLI::App& command) {
    auto place = std::make_shared<AuthorityPlace>();
    command.add_option("--dir", place->directory, "the authority's directory")->required();
    command.add_option("--passphrase-file", place->passphrase_file,
                       "its first line is the key's passphrase; only if the key is encrypted");
    command.add_flag("--json", place->json, "print one JSON object");
    return place;
}

Failure refused(const Error& error) {
    return {Exit::refused, "refused", error.message};
}

Exit make_authority(const AuthorityPlace& place) {
    const bool existed = is_node_key_encrypted(place.directory).ok();
    const auto seed = load_or_create_node_key(place.directory, place.passphrase());
    if (!seed.ok()) return report(failure_of(seed.error()), place.json);
    const std::string key = to_hex(node_id_of(*seed));
    if (place.json)
        print(
            JsonObject().text("authority", key).text("dir", place.directory).flag("created", !existed).str() +
            "\n");
    else
        print((existed ? "The authority in " : "Made an authority in ") + place.directory +
              "\nFor the network file, before its first [[assets]]:\nauthority = \"" + key +
              "\"\nWho has this directory can make nodes of the network. Keep it away from nodes; `peerbook "
              "keys "
              "encrypt --data-dir " +
              place.directory + "` puts its key under a passphrase.\n");
    return Exit::ok;
}

struct Request {
    std::string node, email, network_file;
    unsigned days = days_default;
};

Exit issue(const AuthorityPlace& place, const Request& request) {
    const auto node = fixed_from_hex<PublicKey>(request.node);
    if (!node.ok() || !is_valid_public_key(*node))
        return report({Exit::usage, "usage",
                       "\"" + terminal_text(request.node, 80) +
                           "\" is no node id: 64 hex digits, as `peerbook keys show` prints them"},
                      place.json);
    const auto email = p2p::email_address(request.email);
    if (!email.ok()) return report({Exit::usage, "usage", email.error().message}, place.json);
    const auto network = config::load_network_file(request.network_file);
    if (!network.ok()) return report(failure_of(network.error()), place.json);
    const auto seed = load_node_key(place.directory, place.passphrase());
    if (!seed.ok()) return report(failure_of(seed.error()), place.json);
    const auto authority = make_ed25519_signer(*seed);
    if (network->authority != authority->public_key())
        return report({Exit::refused, "refused",
                       request.network_file +
                           (network->authority ? " names another authority, " + to_hex(*network->authority)
                                               : std::string(" names no authority")) +
                           "; this one is " + to_hex(authority->public_key())},
                      place.json);
    if (*node == authority->public_key())
        return report(
            {Exit::refused, "refused", "that is the authority's own key; a node needs one of its own"},
            place.json);
    const WallTime now = wall_now();
    const auto certificate =
        p2p::make_certificate(config::network_id(*network), *node, *email, now,
                              {now.ms + std::int64_t{request.days} * ms_per_day}, *authority);
    if (Status noted = note_issued(place.directory, certificate, now); !noted.ok())
        return report(
            noted.error().code == ErrorCode::conflict ? refused(noted.error()) : failure_of(noted.error()),
            place.json);
    const std::string text = certificate_text(certificate);
    print(place.json ? JsonObject()
                               .text("certificate", text)
                               .text("node_id", to_hex(*node))
                               .text("email", *email)
                               .text("expires", std::to_string(certificate.expires.ms))
                               .str() +
                           "\n"
                     : text + "\n");
    return Exit::ok;
}

struct Inspection {
    std::string text, network_file;
    bool json = false;
};

// What it says, and with a network file whether it holds there.
Exit inspect(const Inspection& inspection) {
    const auto certificate = parse_certificate(inspection.text);
    if (!certificate.ok())
        return report({Exit::usage, "usage", certificate.error().message}, inspection.json);
    std::string verdict = "not checked: name the network file to have it checked";
    bool holds = false;
    if (!inspection.network_file.empty()) {
        const auto network = config::load_network_file(inspection.network_file);
        if (!network.ok()) return report(failure_of(network.error()), inspection.json);
        const Status checked =
            network->authority
                ? p2p::check_certificate(*certificate, *network->authority, config::network_id(*network),
                                         certificate->node, wall_now(), Ed25519Verifier())
                : Status(Error{ErrorCode::invalid_input, "the network has no authority"});
        holds = checked.ok();
        verdict = holds ? "holds" : checked.error().message;
    }
    if (inspection.json)
        print(JsonObject()
                  .text("network", to_hex(certificate->network))
                  .text("node_id", to_hex(certificate->node))
                  .text("email", certificate->email)
                  .text("issued", std::to_string(certificate->issued.ms))
                  .text("expires", std::to_string(certificate->expires.ms))
                  .flag("holds", holds)
                  .text("says", verdict)
                  .str() +
              "\n");
    else
        print("node id  " + to_hex(certificate->node) + "\ne-mail   " + certificate->email + "\nnetwork  " +
              to_hex(certificate->network) + "\nissued   " + std::to_string(certificate->issued.ms) +
              " ms since 1970\nexpires  " + std::to_string(certificate->expires.ms) +
              " ms since 1970\ncheck    " + verdict + "\n");
    return holds || inspection.network_file.empty() ? Exit::ok : Exit::refused;
}

struct Taking {
    std::string data_dir, passphrase_file, text;
    bool json = false;
};

// The node checks it against its network when it starts; here only that it is this node's.
Exit take(const Taking& taking) {
    const std::string data_dir = data_directory(taking.data_dir, process_environment());
    const auto seed = load_node_key(data_dir, {taking.passphrase_file, true, false});
    if (!seed.ok()) return report(failure_of(seed.error()), taking.json);
    const auto certificate = parse_certificate(taking.text);
    if (!certificate.ok()) return report({Exit::usage, "usage", certificate.error().message}, taking.json);
    if (certificate->node != node_id_of(*seed))
        return report({Exit::refused, "refused",
                       "the certificate is for node " + to_hex(certificate->node) + ", and this one is " +
                           to_hex(node_id_of(*seed))},
                      taking.json);
    if (certificate->expires <= wall_now())
        return report({Exit::refused, "refused", "the certificate has expired"}, taking.json);
    const std::string path = certificate_path(data_dir);
    if (Status written = write_certificate(path, *certificate); !written.ok())
        return report(failure_of(written.error()), taking.json);
    print(taking.json ? JsonObject().text("path", path).text("email", certificate->email).str() + "\n"
                      : "Took the certificate of " + certificate->email + " into " + path +
                            "\nA running node shows it from its next start.\n");
    return Exit::ok;
}

}  // namespace

void add_authority_commands(CLI::App& app, Invocation& invocation) {
    CLI::App& authority =
        *app.add_subcommand("authority", "a network's own authority: certificates of one e-mail for one node")
             ->group("Network");
    authority.require_subcommand(1);
    {
        CLI::App& command = *authority.add_subcommand("init", "make an authority: a directory with its key");
        const auto place = add_place(command);
        command.callback([=, &invocation] { invocation.run = [=] { return make_authority(*place); }; });
    }
    {
        CLI::App& command = *authority.add_subcommand(
            "issue", "sign a certificate, unless another node has the e-mail address");
        const auto place = add_place(command);
        const auto request = std::make_shared<Request>();
        command.add_option("node", request->node, "the node's id, which it prints at `peerbook init`")
            ->required();
        command.add_option("email", request->email, "who keeps the node; you have checked that it is theirs")
            ->required();
        command.add_option("--network", request->network_file, "network file that names this authority")
            ->required();
        command.add_option("--days", request->days, "how long it holds [365]")
            ->check(CLI::Range(1U, days_max))
            ->option_text("DAYS");
        command.callback([=, &invocation] { invocation.run = [=] { return issue(*place, *request); }; });
    }
    {
        CLI::App& command = *authority.add_subcommand("inspect", "print what a certificate says");
        const auto inspection = std::make_shared<Inspection>();
        command.add_option("certificate", inspection->text, "what `peerbook authority issue` printed")
            ->required();
        command.add_option("--network", inspection->network_file, "network file to check it against");
        command.add_flag("--json", inspection->json, "print one JSON object");
        command.callback([=, &invocation] { invocation.run = [=] { return inspect(*inspection); }; });
    }
    {
        CLI::App& command =
            *authority.add_subcommand("take", "put a certificate into this node's data directory");
        const auto taking = std::make_shared<Taking>();
        command.add_option("certificate", taking->text, "what `peerbook authority issue` printed")
            ->required();
        command.add_option("--data-dir", taking->data_dir, "default: PEERBOOK_DATA_DIR, else ~/.peerbook");
        command.add_option("--passphrase-file", taking->passphrase_file,
                           "its first line is the key's passphrase; only if the key is encrypted");
        command.add_flag("--json", taking->json, "print one JSON object");
        command.callback([=, &invocation] { invocation.run = [=] { return take(*taking); }; });
    }
}

}  // namespace peerbook::app::cli
