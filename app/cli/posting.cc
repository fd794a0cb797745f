#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/views.h"

namespace peerbook::app::cli {

Posting add_posting(CLI::App& command) {
    Posting posting{add_client_options(command), std::make_shared<CommandOptions>()};
    CommandOptions& options = *posting.options;
    command.add_option("--account", options.account, "account of this node that commands [me]");
    command.add_option("--nonce", options.nonce,
                       "number of the command within its account; default: the next");
    command.add_option("--wait", options.wait, "answer only when it is settled, or attested")
        ->check(CLI::IsMember({"settled", "attested"}))
        ->option_text("settled|attested");
    return posting;
}

void post_when_named(CLI::App& command, Invocation& invocation, const Posting& posting, MakeRequest make) {
    command.callback([&invocation, posting, make = std::move(make)] {
        invocation.run = [posting, make] {
            const Result<NodeRequest> request = make(*posting.options);
            if (!request) return report(failure_of(request.error()), posting.client->json);
            return ask_node(*posting.client, *request, view_result);
        };
    });
}

}  // namespace peerbook::app::cli
