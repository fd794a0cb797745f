#include "app/node/archive.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/codec.h"
#include "base/whole_file.h"
#include "config/sources.h"
#include "config/table_reader.h"
#include "storage/leveldb_store.h"

namespace peerbook::app {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t note_bytes_max = 16 * 1024;
constexpr const char* note_name = "/ledger.given-up";
constexpr const char* adopted_name = "/adopted.toml";
constexpr const char* archived_note_name = "/given-up.toml";
constexpr const char* archive_prefix = "given-up-";
constexpr std::size_t archives_max = 1'000;

// What belongs to the ledger and to the key under which it was kept.
constexpr const char* moved[] = {"journal", "index", "invitations", "ledger.toml", "node.key"};

Error failure(const std::string& what, const std::string& path) {
    return {ErrorCode::io, what + " " + path + ": " + std::strerror(errno)};
}

struct Note {
    GivenUpLedger ledger;
    Digest network, identity_ledger;
};

std::string text_of(const Note& note) {
    const GivenUpLedger& one = note.ledger;
    const auto line = [](const char* name, const std::string& value) {
        return std::string(name) + " = \"" + value + "\"\n";
    };
    return "# Written by `peerbook ledger adopt`: the operator gave this ledger up for another one.\n" +
           line("ledger", to_hex(one.ledger)) + line("node", to_hex(one.node)) +
           line("adopted", to_hex(one.adopted)) + line("network", to_hex(note.network)) +
           line("identity", to_hex(note.identity_ledger)) + line("view", std::to_string(one.view)) +
           line("settled_commits", std::to_string(one.settled_commits)) +
           line("settled_prefix", to_hex(one.settled_prefix)) +
           line("settled_trades", std::to_string(one.settled_trades)) +
           line("unsettled_commands", std::to_string(one.unsettled_commands)) +
           line("time_ms", std::to_string(one.time.ms));
}

using Texts = std::map<std::string, std::string>;

Result<Texts> read_texts(const std::string& path) {
    const Result<std::string> text = config::read_text_file(path, note_bytes_max);
    if (!text.ok()) return text.error();
    const auto document = config::parse_toml(*text, path);
    if (!document.ok()) return Error{ErrorCode::corrupt, document.error().message};
    Texts texts;
    for (const auto& [name, value] : document->members)
        texts[name] = value.text;
    return texts;
}

Result<Note> read_note(const std::string& path) {
    const auto texts = read_texts(path);
    if (!texts.ok()) return texts.error();
    std::string wrong;
    const auto text = [&](const char* name) {
        const auto found = texts->find(name);
        if (found == texts->end()) wrong = name;
        return found == texts->end() ? std::string() : found->second;
    };
    const auto read_hex = [&](const char* name, auto& out) {
        auto value = fixed_from_hex<std::decay_t<decltype(out)>>(text(name));
        if (value.ok())
            out = *value;
        else
            wrong = name;
    };
    const auto read_number = [&](const char* name) -> std::uint64_t {
        const std::string digits = text(name);
        const bool is_number = !digits.empty() && digits.size() <= 19 &&
                               std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
        if (!is_number) wrong = name;
        return is_number ? std::stoull(digits) : 0;
    };
    Note note;
    read_hex("ledger", note.ledger.ledger);
    read_hex("node", note.ledger.node);
    read_hex("adopted", note.ledger.adopted);
    read_hex("network", note.network);
    read_hex("identity", note.identity_ledger);
    read_hex("settled_prefix", note.ledger.settled_prefix);
    note.ledger.view = read_number("view");
    note.ledger.settled_commits = read_number("settled_commits");
    note.ledger.settled_trades = read_number("settled_trades");
    note.ledger.unsettled_commands = read_number("unsettled_commands");
    note.ledger.time = WallTime{static_cast<std::int64_t>(read_number("time_ms"))};
    if (!wrong.empty()) return Error{ErrorCode::corrupt, path + ": '" + wrong + "' is missing or wrong"};
    return note;
}

bool exists(const std::string& path) {
    std::error_code error;
    return fs::exists(fs::symlink_status(path, error));
}

Status move_away(const std::string& data_dir, const std::string& archive) {
    for (const char* name : moved) {
        const std::string from = data_dir + "/" + name, to = archive + "/" + name;
        if (!exists(from)) continue;
        if (exists(to))
            return Error{ErrorCode::conflict,
                         "both " + from + " and " + to + " are there; one is to go away"};
        if (std::rename(from.c_str(), to.c_str()) != 0) return failure("cannot move to " + to + ":", from);
    }
    return sync_directory(archive);
}

}  // namespace

Bytes journal_identity(const Digest& network, const Digest& ledger, const PublicKey& node) {
    Bytes identity;
    Encoder out(identity);
    out.raw(network.view());
    out.raw(ledger.view());
    out.raw(node.view());
    return identity;
}

std::string archive_of(const std::string& data_dir, const GivenUpLedger& ledger) {
    const std::string id = ledger.ledger.is_zero() ? "none" : to_hex(ledger.ledger).substr(0, 12);
    return data_dir + "/" + archive_prefix + id + "-" + to_hex(ledger.node).substr(0, 12);
}

Status note_given_up(const std::string& data_dir, const GivenUpLedger& ledger, const Digest& network,
                     const Digest& identity_ledger) {
    return replace_file(data_dir + note_name, text_of({ledger, network, identity_ledger}));
}

Result<std::optional<GivenUpLedger>> archive_given_up(const std::string& data_dir) {
    const std::string path = data_dir + note_name;
    if (!exists(path)) return std::optional<GivenUpLedger>();
    auto note = read_note(path);
    if (!note.ok()) return note.error();
    GivenUpLedger& ledger = note->ledger;
    ledger.archive = archive_of(data_dir, ledger);
    std::error_code error;
    fs::create_directory(ledger.archive, error);
    if (error) return Error{ErrorCode::io, "cannot make " + ledger.archive + ": " + error.message()};
    fs::permissions(ledger.archive, fs::perms::owner_all, error);
    if (error) return Error{ErrorCode::io, "cannot keep " + ledger.archive + " private: " + error.message()};
    // Before the key is in there.
    const std::string why = "the ledger of this key was given up for ledger " + to_hex(ledger.adopted) +
                            "; the key never signs again";
    if (Status retired = replace_file(ledger.archive + "/node.key.retired", why); !retired.ok())
        return retired.error();
    if (Status away = move_away(data_dir, ledger.archive); !away.ok()) return away.error();
    const std::string adopted =
        "# Written by `peerbook ledger adopt`: the only ledger that this node enters.\nledger = \"" +
        to_hex(ledger.adopted) + "\"\n";
    if (Status written = replace_file(data_dir + adopted_name, adopted); !written.ok())
        return written.error();
    const std::string archived = ledger.archive + archived_note_name;
    if (std::rename(path.c_str(), archived.c_str()) != 0)
        return failure("cannot move to " + archived + ":", path);
    for (const std::string& directory : {ledger.archive, data_dir})
        if (Status synced = sync_directory(directory); !synced.ok()) return synced.error();
    return std::optional(ledger);
}

Result<std::optional<Digest>> load_adopted(const std::string& data_dir) {
    const std::string path = data_dir + adopted_name;
    if (!exists(path)) return std::optional<Digest>();
    const auto texts = read_texts(path);
    if (!texts.ok()) return texts.error();
    const auto found = texts->find("ledger");
    const auto ledger = fixed_from_hex<Digest>(found == texts->end() ? std::string() : found->second);
    if (!ledger.ok()) return Error{ErrorCode::corrupt, path + " does not name a ledger"};
    return std::optional(*ledger);
}

Result<std::unique_ptr<Archives>> Archives::find(const std::string& data_dir) {
    std::vector<std::string> directories;
    std::error_code error;
    for (fs::directory_iterator entry(data_dir, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with(archive_prefix) && exists(data_dir + "/" + name + archived_note_name))
            directories.push_back(data_dir + "/" + name);
    }
    if (error) return Error{ErrorCode::io, "cannot list " + data_dir + ": " + error.message()};
    if (directories.size() > archives_max)
        return Error{ErrorCode::too_large, data_dir + " has more than " + std::to_string(archives_max) +
                                               " ledgers that were given up; move some away"};
    std::vector<Note> notes;
    for (const std::string& directory : directories) {
        auto note = read_note(directory + archived_note_name);
        if (!note.ok()) return note.error();
        note->ledger.archive = directory;
        notes.push_back(std::move(*note));
    }
    std::ranges::sort(notes, [](const Note& a, const Note& b) {
        return std::pair(a.ledger.time, a.ledger.archive) < std::pair(b.ledger.time, b.ledger.archive);
    });
    auto archives = std::make_unique<Archives>();
    for (Note& note : notes) {
        archives->identities_.push_back(
            journal_identity(note.network, note.identity_ledger, note.ledger.node));
        archives->ledgers_.push_back(std::move(note.ledger));
    }
    return archives;
}

Result<const storage::Index*> Archives::index_of(const GivenUpLedger& ledger) {
    const auto known = std::ranges::find(ledgers_, ledger.archive, &GivenUpLedger::archive);
    if (known == ledgers_.end()) return Error{ErrorCode::not_found, "no such ledger was given up"};
    std::unique_ptr<storage::Index>& open = open_[ledger.archive];
    if (!open) {
        storage::LevelDbOptions options = storage::index_leveldb_options();
        options.create_if_missing = false;
        auto store = storage::open_leveldb(ledger.archive + "/index", options);
        if (!store.ok()) return store.error();
        auto index = storage::Index::open(std::move(*store),
                                          identities_[static_cast<std::size_t>(known - ledgers_.begin())]);
        if (!index.ok()) return index.error();
        open = std::move(*index);
    }
    return open.get();
}

}  // namespace peerbook::app
