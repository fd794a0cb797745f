#include <CLI/CLI.hpp>
#include <optional>

#include "app/cli/commands.h"
#include "app/cli/json_text.h"
#include "app/cli/setting_flags.h"
#include "app/node_keys/invitation_file.h"
#include "app/node_keys/node_keys.h"
#include "base/system_clock.h"
#include "config/network_file.h"

namespace peerbook::app::cli {

namespace {

constexpr unsigned days_default = 7;
constexpr unsigned days_max = 3'650;
constexpr std::int64_t ms_per_day = 86'400'000;

struct Place {
    std::string data_dir, network_file;
    bool json = false;
};

// What the node of a data directory is, and which ledger it keeps.
struct Home {
    std::string data_dir;
    std::unique_ptr<Signer> signer;
    Digest network;
    std::optional<Digest> ledger;  // not known before the node ran, where the network names no members
    std::string joining;
};

std::shared_ptr<Place> add_place(CLI::App& command) {
    auto place = std::make_shared<Place>();
    command.add_option("--data-dir", place->data_dir, "default: PEERBOOK_DATA_DIR, else ~/.peerbook");
    command.add_option("--network", place->network_file,
                       "network file, if the node never ran and its settings do not name it");
    command.add_flag("--json", place->json, "print one JSON object");
    return place;
}

// The node wrote down what it runs; before its first start its settings and the network file tell.
Result<Home> find_home(const Place& place) {
    std::map<std::string, std::string> flags;
    if (!place.data_dir.empty()) flags["data_dir"] = place.data_dir;
    if (!place.network_file.empty()) flags["network"] = place.network_file;
    const auto loaded = load_node_settings(flags, process_environment());
    if (!loaded.ok()) return loaded.error();
    const std::string& data_dir = loaded->settings.data_dir;
    const auto seed = load_node_key(data_dir, {loaded->settings.passphrase_file, true, false});
    if (!seed.ok()) return seed.error();
    Home home;
    home.data_dir = data_dir;
    home.signer = make_ed25519_signer(*seed);
    const auto note = load_ledger_note(data_dir);
    if (note.ok() && place.network_file.empty()) {
        if (note->ledger.is_zero())
            return Error{ErrorCode::unavailable, data_dir +
                                                     ": this node has no ledger yet; a second node has to "
                                                     "found one with it"};
        home.network = note->network;
        home.ledger = note->ledger;
        home.joining = note->joining;
        return home;
    }
    if (!note.ok() && note.error().code != ErrorCode::not_found) return note.error();
    const std::string& path = loaded->settings.network_file;
    const auto network =
        path.empty() ? Result<config::NetworkFile>(config::demo_network()) : config::load_network_file(path);
    if (!network.ok()) return network.error();
    home.network = config::network_id(*network);
    home.joining = network->joining;
    if (!network->members.empty()) {
        const auto view = exchange::make_first_view(home.network, network->members);
        if (!view.ok()) return view.error();
        home.ledger = view->ledger;
    } else if (note.ok() && note->network == home.network) {
        home.ledger = note->ledger;
    }
    return home;
}

Status check_joining(const Home& home) {
    if (home.joining == "anyone")
        return Error{ErrorCode::invalid_input, "anyone may join this network: no invitation is needed"};
    if (home.joining != "invited")
        return Error{
            ErrorCode::invalid_input,
            "this network names its members, and takes no invitations (joining = \"" + home.joining + "\")"};
    return {};
}

Failure refused(const Error& error) {
    if (error.code != ErrorCode::invalid_input) return failure_of(error);
    return {Exit::refused, "refused", error.message};
}

Exit invite(const Place& place, const std::string& node, unsigned days) {
    const auto home = find_home(place);
    if (!home.ok()) return report(failure_of(home.error()), place.json);
    if (Status fits = check_joining(*home); !fits.ok()) return report(refused(fits.error()), place.json);
    const auto invited = fixed_from_hex<PublicKey>(node);
    if (!invited.ok() || !is_valid_public_key(*invited))
        return report({Exit::usage, "usage",
                       "\"" + terminal_text(node, 80) +
                           "\" is no node id: 64 hex digits, as `peerbook keys show` prints them"},
                      place.json);
    if (*invited == home->signer->public_key())
        return report({Exit::refused, "refused", "a node cannot invite itself"}, place.json);
    if (!home->ledger)
        return report(
            {Exit::refused, "refused", "which ledger this node keeps is known once it ran; start it first"},
            place.json);
    const WallTime expires{wall_now().ms + std::int64_t{days} * ms_per_day};
    const auto made =
        exchange::make_invitation(home->network, *home->ledger, *invited, expires, *home->signer);
    if (place.json)
        print(JsonObject()
                  .text("invitation", invitation_text(made))
                  .text("invited", node)
                  .text("inviter", to_hex(made.inviter))
                  .text("expires", std::to_string(expires.ms))
                  .str() +
              "\n");
    else
        print(invitation_text(made) + "\n");
    return Exit::ok;
}

Exit join(const Place& place, const std::vector<std::string>& texts) {
    const auto home = find_home(place);
    if (!home.ok()) return report(failure_of(home.error()), place.json);
    if (Status fits = check_joining(*home); !fits.ok()) return report(refused(fits.error()), place.json);
    const Ed25519Verifier verifier;
    const WallTime now = wall_now();
    std::vector<exchange::Invitation> invitations;
    for (const std::string& text : texts) {
        auto invitation = parse_invitation(text);
        if (invitation.ok()) {
            const Status fits = check_invitation(*invitation, home->network, home->ledger,
                                                 home->signer->public_key(), now, verifier);
            if (!fits.ok()) invitation = fits.error();
        }
        if (!invitation.ok())
            return report(
                refused(invitation.error().within("invitation " + std::to_string(invitations.size() + 1))),
                place.json);
        invitations.push_back(*invitation);
    }
    if (Status added = add_invitations(home->data_dir, invitations, now); !added.ok())
        return report(failure_of(added.error()), place.json);
    const std::string path = invitations_path(home->data_dir);
    const std::string count = std::to_string(invitations.size());
    if (place.json)
        print(JsonObject().text("taken", count).text("path", path).str() + "\n");
    else
        print("Took " + count + (invitations.size() == 1 ? " invitation" : " invitations") + " into " + path +
              ".\nA running node presents them within seconds, others when they start; `peerbook status` "
              "says whether "
              "they are enough.\n");
    return Exit::ok;
}

}  // namespace

void add_invitation_commands(CLI::App& app, Invocation& invocation) {
    {
        CLI::App& command =
            *app.add_subcommand("invite", "let a node become a member, where the network takes invited ones")
                 ->group("Network");
        const auto place = add_place(command);
        const auto node = std::make_shared<std::string>();
        const auto days = std::make_shared<unsigned>(days_default);
        command.add_option("node", *node, "the node's id, which it prints at `peerbook init`")->required();
        command.add_option("--days", *days, "how long it may be used [7]")
            ->check(CLI::Range(1U, days_max))
            ->option_text("DAYS");
        command.callback([=, &invocation] { invocation.run = [=] { return invite(*place, *node, *days); }; });
    }
    {
        CLI::App& command =
            *app.add_subcommand("join", "take invitations that members made for this node")->group("Network");
        const auto place = add_place(command);
        const auto texts = std::make_shared<std::vector<std::string>>();
        command.add_option("invitations", *texts, "what `peerbook invite` printed")->required();
        command.callback([=, &invocation] { invocation.run = [=] { return join(*place, *texts); }; });
    }
}

}  // namespace peerbook::app::cli
