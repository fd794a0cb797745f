#include "app/node/start_up.h"

#include <fstream>
#include <iterator>

#include "app/node/archive.h"
#include "app/node/chains.h"
#include "app/node/network_rules.h"
#include "app/node_keys/certificate_file.h"
#include "app/node_keys/invitation_file.h"
#include "app/node_keys/node_keys.h"
#include "base/log.h"
#include "base/random.h"
#include "storage/leveldb_store.h"

namespace peerbook::app {

namespace {

constexpr std::uint64_t progress_every_blocks = 20'000;
constexpr Duration certificate_warned_before = Duration::seconds(14 * 86'400);

Result<exchange::View> first_view(const config::Settings& settings, const config::NetworkFile& network,
                                  const Digest& network_id, const PublicKey& self, bool has_adopted) {
    // It was the operator's last word which ledger this node is in.
    if (has_adopted) return exchange::make_no_ledger(self);
    if (!network.members.empty()) {
        if (settings.found)
            return Error{ErrorCode::invalid_input,
                         "network " + network.name +
                             " names its members already, so --found has no meaning; leave "
                             "it out"};
        return exchange::make_first_view(network_id, network.members);
    }
    if (settings.found) return exchange::make_first_view(network_id, {self});
    return exchange::make_no_ledger(self);  // until peers have one, or found one with this node
}

// Encoded; empty where none is needed.
Result<Bytes> own_certificate(const config::Settings& settings, const config::NetworkFile& network,
                              const Digest& network_id, const PublicKey& node, WallTime now,
                              const Verifier& verifier) {
    if (!network.authority && !settings.certificate_file.empty())
        return Error{ErrorCode::invalid_input,
                     "network " + network.name +
                         " has no authority, so --certificate has no meaning; leave it "
                         "out"};
    if (!network.authority || !settings.p2p_enabled) return Bytes();
    const std::string path =
        settings.certificate_file.empty() ? certificate_path(settings.data_dir) : settings.certificate_file;
    const auto certificate = load_certificate(path);
    if (!certificate.ok() && certificate.error().code == ErrorCode::not_found)
        return Error{ErrorCode::invalid_input,
                     "network " + network.name +
                         " takes nodes with a certificate of its authority only, and there is none at " +
                         path + ". Give this node's id, " + to_hex(node) +
                         ", and your e-mail address to who keeps the authority, and put in what you get with "
                         "`peerbook authority take`"};
    if (!certificate.ok()) return certificate.error();
    const Status holds =
        p2p::check_certificate(*certificate, *network.authority, network_id, node, now, verifier);
    if (!holds.ok()) return Error{ErrorCode::invalid_input, path + ": " + holds.error().message};
    if (certificate->expires.ms - now.ms < certificate_warned_before.ms())
        log_warn("node", path + ": the certificate expires in " +
                             std::to_string((certificate->expires.ms - now.ms) / 3'600'000) +
                             " hours; then no peer takes this node any more");
    return p2p::encode_certificate(*certificate);
}

Result<std::unique_ptr<storage::Index>> try_index(const std::string& path, ByteView identity) {
    auto store = storage::open_leveldb(path, storage::index_leveldb_options());
    if (!store.ok()) return store.error();
    return storage::Index::open(std::move(*store), identity);
}

// The index can always be made again from the journal, so damage to it is no reason to stop.
Result<std::unique_ptr<storage::Index>> open_index(const std::string& path, ByteView identity) {
    auto index = try_index(path, identity);
    if (index.ok() || index.error().code == ErrorCode::io) return index;
    log_warn("node", "the index is made again from the journal: " + index.error().message);
    if (Status removed = storage::remove_leveldb(path); !removed.ok()) return removed.error();
    return try_index(path, identity);
}

Status replay_journal(Opened& opened, const Verifier& verifier, const Clock& clock) {
    const MonoTime begin = clock.now().mono;
    Node& node = *opened.parts.node;
    const Digest network = node.rules()->network;
    const std::uint16_t rules_version = node.rules()->rules_version;
    const std::uint64_t total = opened.parts.journal->last().value();
    Status failed;
    auto index_settled = [&](Effects& effects) {
        std::vector<storage::IndexBatch> batches;
        for (const IndexWriteEffect& write : effects.index_writes)
            if (write.commit > opened.parts.index->last_commit()) batches.push_back(index_batch_of(write));
        return batches.empty() ? Status() : opened.parts.index->add(batches);
    };
    Status replayed = opened.parts.journal->replay(
        storage::JournalPosition(1),
        [&](storage::JournalPosition position, const storage::JournalEntry& entry) {
            if (entry.author == record_chain) {
                Effects effects;
                failed = node.recover_record(entry.block.view(), effects);
                if (!failed.ok())
                    failed = failed.error().within("journal position " + std::to_string(position.value()));
                if (failed.ok()) failed = index_settled(effects);
                return failed.ok();
            }
            auto block = exchange::verify_block(entry.block, node.ledger().view(), network, rules_version,
                                                verifier, exchange::BlockSource::own_journal);
            if (!block.ok()) {
                failed = Error{ErrorCode::corrupt, "journal position " + std::to_string(position.value()) +
                                                       ": " + block.error().message};
                return false;
            }
            opened.recovered_blocks += 1;
            opened.recovered_commands += block->command_count;
            Effects effects;
            failed = node.recover(std::move(*block), effects);
            if (failed.ok()) failed = index_settled(effects);
            if (position.value() % progress_every_blocks == 0)
                log_info("node", "replaying the journal blocks=" + std::to_string(position.value()) + " of " +
                                     std::to_string(total));
            return failed.ok();
        });
    if (!replayed.ok()) return replayed;
    if (!failed.ok()) return failed;
    Effects effects;
    node.recovered(clock.now(), effects);
    if (Status indexed = index_settled(effects); !indexed.ok()) return indexed;
    opened.recovery_time = clock.now().mono - begin;
    return {};
}

}  // namespace

Result<Opened> open_node(const config::Settings& settings, const Verifier& verifier, const Clock& clock) {
    const auto network = settings.network_file.empty() ? Result<config::NetworkFile>(config::demo_network())
                                                       : config::load_network_file(settings.network_file);
    if (!network.ok()) return network.error();
    auto rules = make_network_rules(*network);
    if (!rules.ok()) return rules.error();
    rules->index_seed = system_random_word();

    auto lock = storage::lock_data_directory(settings.data_dir);
    if (!lock.ok()) return lock.error();
    const auto given_up = archive_given_up(settings.data_dir);
    if (!given_up.ok()) return given_up.error();
    if (*given_up)
        log_info("node", "gave up ledger=" + to_hex((*given_up)->ledger).substr(0, 12) +
                             " for ledger=" + to_hex((*given_up)->adopted).substr(0, 12) +
                             " retracted_trades=" + std::to_string((*given_up)->settled_trades) +
                             " archive=" + (*given_up)->archive);
    const auto adopted = load_adopted(settings.data_dir);
    if (!adopted.ok()) return adopted.error();
    if (*adopted && (settings.found || !network->members.empty()))
        log_info("node",
                 "enters only ledger=" + to_hex(**adopted).substr(0, 12) +
                     ", which the operator adopted, whatever --found or the network file's members say");
    auto archives = Archives::find(settings.data_dir);
    if (!archives.ok()) return archives.error();
    const auto seed = load_or_create_node_key(settings.data_dir, {settings.passphrase_file, true, false});
    if (!seed.ok()) return seed.error();
    const std::string retired_key_file = settings.data_dir + "/node.key.retired";
    if (std::ifstream retired(retired_key_file); retired) {
        std::string why((std::istreambuf_iterator<char>(retired)), std::istreambuf_iterator<char>());
        return Error{ErrorCode::conflict, retired_key_file + ": " + why};
    }
    auto signer = make_ed25519_signer(*seed);
    for (const GivenUpLedger& one : (*archives)->ledgers())
        if (one.node == signer->public_key())
            return Error{ErrorCode::conflict, node_key_path(settings.data_dir) +
                                                  ": the ledger of this key was given up (" + one.archive +
                                                  "), and it must never sign again; move the file away"};
    auto certificate =
        own_certificate(settings, *network, rules->network, signer->public_key(), clock.now().wall, verifier);
    if (!certificate.ok()) return certificate.error();
    auto view = first_view(settings, *network, rules->network, signer->public_key(), adopted->has_value());
    if (!view.ok()) return view.error();
    const Digest identity_ledger = view->ledger;
    const Bytes identity = journal_identity(rules->network, identity_ledger, signer->public_key());
    auto journal_store =
        storage::open_leveldb(settings.data_dir + "/journal", storage::journal_leveldb_options());
    if (!journal_store.ok()) return journal_store.error();
    auto journal = storage::Journal::open(std::move(*journal_store), identity);
    if (!journal.ok()) return journal.error();
    auto index = open_index(settings.data_dir + "/index", identity);
    if (!index.ok()) return index.error();

    if (Status noted = write_ledger_note(settings.data_dir, {rules->network, view->ledger, network->joining});
        !noted.ok())
        return noted.error();
    auto note_ledger = [data_dir = settings.data_dir, id = rules->network,
                        joining = network->joining](const Digest& ledger) {
        if (Status noted = write_ledger_note(data_dir, {id, ledger, joining}); !noted.ok())
            log_warn("node", noted.error().message);
    };

    NodeOptions options;
    options.batch_delay = Duration::microseconds(settings.batch_delay_us);
    options.ack_delay = Duration::milliseconds(settings.ack_delay_ms);
    using Source = NodeOptions::LedgerSource;
    options.ledger_source = *adopted                    ? Source::peers
                            : !network->members.empty() ? Source::network_file
                            : settings.found            ? Source::operator_found
                                                        : Source::peers;
    options.founding.only = *adopted;
    options.given_up = (*archives)->ledgers();
    options.leave_on_stop = settings.leave_on_stop;
    options.views.suspect_after = Duration::milliseconds(settings.suspect_after_ms);
    options.views.admission = make_admission_policy(*network);
    options.unsettled_commands_per_account_max = network->unsettled_commands_per_account_max;
    options.random_seed = system_random_word();

    auto note = [data_dir = settings.data_dir, network_id = rules->network,
                 identity_ledger](const GivenUpLedger& ledger) -> Result<std::string> {
        if (Status noted = note_given_up(data_dir, ledger, network_id, identity_ledger); !noted.ok())
            return noted.error();
        return archive_of(data_dir, ledger);
    };
    auto node = std::make_unique<Node>(std::move(*rules), std::move(*view), *signer, verifier, options);
    Opened opened{std::move(*lock),
                  std::move(signer),
                  {std::move(node), std::move(*journal), std::move(*index), verifier, clock, network->name,
                   retired_key_file, note_ledger, std::move(note), nullptr, std::move(*archives)},
                  network->members,
                  0,
                  0,
                  {},
                  network->authority,
                  std::move(*certificate)};
    if (Status replayed = replay_journal(opened, verifier, clock); !replayed.ok()) return replayed.error();
    return opened;
}

}  // namespace peerbook::app
