// Answers about the node itself and its peers, and errors.
#include "app/api/json_write.h"

#include "app/api/json_writer.h"

namespace peerbook::app {

namespace {

void write_member(Json& json, const StatusAnswer::Member& member) {
    json.begin();
    json.key("node").hex(member.key);
    json.key("self").flag(member.self);
    json.key("connected").flag(member.connected);
    json.key("suspected").flag(member.suspected);
    json.key("tip_seq").number(member.tip_seq);
    json.key("tip_round").number(member.tip_round);
    json.key("stable_round").number(member.stable_round);
    json.key("voted_commit").number(member.voted_commit);
    if (member.disagrees_at > 0) json.key("disagrees_at").number(member.disagrees_at);
    json.end();
}

void write_other_ledgers(Json& json, const std::vector<StatusAnswer::OtherLedger>& others) {
    json.begin_list();
    for (const auto& other : others) {
        json.begin().key("ledger").hex(other.ledger).key("view").number(other.view);
        json.key("members").number(other.members).key("reachable").number(other.reachable);
        json.key("is_fork").flag(other.is_fork).end();
    }
    json.end_list();
}

void write_given_up(Json& json, const GivenUpLedger& one) {
    json.begin().key("ledger").hex(one.ledger).key("node").hex(one.node).key("adopted").hex(one.adopted);
    json.key("view").number(one.view);
    json.key("settled_commits").number(one.settled_commits).key("settled_prefix").hex(one.settled_prefix);
    json.key("retracted_trades").number(one.settled_trades);
    json.key("reason").text(to_string(Retraction::ledger_adopted));
    json.key("unsettled_commands").number(one.unsettled_commands);
    json.key("time").number_signed(one.time.ms).key("archive").foreign(one.archive, message_length_max).end();
}

}  // namespace

std::string error_json(const ApiError& error) {
    Json json;
    json.begin();
    json.key("code").text(to_string(error.code));
    json.key("message").foreign(error.message, message_length_max);
    if (!error.field.empty()) json.key("field").foreign(error.field);
    if (error.at) json.key("at").number(*error.at);
    json.end();
    return json.take();
}

std::string status_json(const StatusAnswer& status, const std::string& network_name,
                        const p2p::PeerNetwork* network) {
    Json json;
    json.begin();
    json.key("node").hex(status.node);
    json.key("network_name").text(network_name);
    json.key("network").hex(status.network);
    json.key("ledger").hex(status.ledger);
    json.key("role").text(status.role);
    json.key("says").text(status.says);
    json.key("ready").flag(status.ready);
    json.key("members").number(status.members);
    json.key("members_connected").number(status.members_connected);
    json.key("members_suspected").number(status.members_suspected);
    const p2p::PeerNetworkStats peers = network ? network->stats() : p2p::PeerNetworkStats{};
    json.key("peers_connected").number(peers.connected);
    json.key("peers_known").number(peers.known_addresses);
    json.key("peers_banned").number(peers.banned);
    json.key("gossip");
    write_gossip(json, peers);
    if (network) {
        json.key("way_in");
        write_way_in(json, network->nat());
    }
    json.key("view").number(status.view);
    json.key("commits").number(status.commits);
    json.key("settled_commits").number(status.settled_commits);
    json.key("settled_prefix").hex(status.settled_prefix);
    json.key("attested_commits").number(status.attested_commits);
    json.key("votes_needed").number(status.votes_needed);
    if (!status.alarm.empty()) json.key("alarm").text(status.alarm);
    if (status.state_root_commit != 0) {
        json.key("state_root").hex(status.state_root);
        json.key("state_root_commit").number(status.state_root_commit);
    }
    json.key("settled_trades").number(status.settled_trades);
    json.key("retracted_trades").number(status.retracted_trades);
    json.key("commands_executed").number(status.commands_executed);
    json.key("commands_replayed").number(status.commands_replayed);
    json.key("rollbacks").number(status.rollbacks);
    json.key("unsettled_commands").number(status.unsettled_commands);
    json.key("blocks_accepted").number(status.blocks_accepted);
    json.key("blocks_suspended").number(status.blocks_suspended);
    json.key("own_seq").number(status.own_seq);
    json.key("resting_orders").number(status.resting_orders);
    json.key("accounts").number(status.accounts);
    json.key("engine_memory_bytes").number(status.engine_memory_bytes);
    json.key("uptime_ms").number_signed(status.uptime_ms);
    json.key("member_list").begin_list();
    for (const auto& member : status.member_list)
        write_member(json, member);
    json.end_list().key("other_ledgers");
    write_other_ledgers(json, status.other_ledgers);
    json.end();
    return json.take();
}

std::string ledgers_json(const LedgersAnswer& ledgers) {
    Json json;
    json.begin();
    if (!ledgers.ledger.is_zero()) json.key("ledger").hex(ledgers.ledger);
    json.key("state").text(ledgers.ledger.is_zero() ? "none"
                           : ledgers.is_established ? "established"
                                                    : "founded");
    json.key("view").number(ledgers.view).key("members").number(ledgers.members);
    json.key("forks").begin_list();
    for (const Digest& one : ledgers.forks)
        json.hex(one);
    json.end_list();
    if (ledgers.adopts) json.key("adopts").hex(*ledgers.adopts);
    json.key("others");
    write_other_ledgers(json, ledgers.others);
    json.key("given_up").begin_list();
    for (const GivenUpLedger& one : ledgers.given_up)
        write_given_up(json, one);
    json.end_list().end();
    return json.take();
}

std::string given_up_json(const GivenUpLedger& ledger) {
    Json json;
    write_given_up(json, ledger);
    return json.take();
}

std::string fork_json(const ForkAnswer& fork) {
    Json json;
    json.begin().key("ledger").hex(fork.ledger).key("from").hex(fork.from).key("view").number(fork.view);
    json.key("members").begin_list();
    for (const PublicKey& member : fork.members)
        json.hex(member);
    json.end_list().key("member").flag(fork.is_member);
    json.key("settled_commits")
        .number(fork.settled_commits)
        .key("void_blocks")
        .number(fork.void_blocks)
        .end();
    return json.take();
}

std::string digests_json(const DigestsAnswer& digests) {
    Json json;
    json.begin();
    json.key("commits").number(digests.commits);
    json.key("settled_commits").number(digests.settled_commits);
    json.key("settled_prefix").hex(digests.settled_prefix);
    json.key("book").hex(digests.book);
    json.key("balances").hex(digests.balances);
    json.key("state").hex(digests.state);
    json.key("settled_trades").number(digests.settled_trades);
    json.key("trades").hex(digests.trades);
    json.end();
    return json.take();
}

std::string settled_json(const SettledAnswer& settled) {
    Json json;
    json.begin().key("block").number(settled.seq).key("grade").text(to_string(Grade::settled)).end();
    return json.take();
}

std::string single_json(const char* name, const std::string& text) {
    Json json;
    json.begin().key(name).foreign(text).end();
    return json.take();
}

}  // namespace peerbook::app
