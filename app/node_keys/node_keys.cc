#include "app/node_keys/node_keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "app/node_keys/text_lines.h"
#include "base/random.h"
#include "base/whole_file.h"

namespace peerbook::app {

namespace {

// The longer of the two forms, and blanks around it that an editor may have left.
constexpr std::size_t key_file_bytes_max = 512;
constexpr std::string_view encrypted_heading = "peerbook encrypted node key 1";

Error io_error(const std::string& what, const std::string& path, int error_number) {
    return {ErrorCode::io, what + " " + path + ": " + std::strerror(error_number)};
}

// Closes a file descriptor at the end of its scope.
class File {
  public:
    explicit File(int fd) : fd_(fd) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }

  private:
    int fd_;
};

std::string mode_text(mode_t mode) {
    std::string text = "0000";
    for (int i = 0; i < 3; ++i)
        text[3 - static_cast<std::size_t>(i)] = static_cast<char>('0' + ((mode >> (3 * i)) & 7));
    return text;
}

Status write_whole(int fd, const std::string& path, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return io_error("cannot write", path, errno);
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::fsync(fd) != 0) return io_error("cannot write", path, errno);
    return {};
}

}  // namespace

std::string node_key_path(const std::string& data_dir) {
    return data_dir + "/node.key";
}

Status make_data_directory(const std::string& data_dir) {
    namespace fs = std::filesystem;
    std::error_code error;
    if (fs::is_directory(data_dir, error)) return {};
    const fs::path path(data_dir);
    if (path.has_parent_path()) {
        fs::create_directories(path.parent_path(), error);
        if (error)
            return Error{ErrorCode::io,
                         "cannot make " + path.parent_path().string() + ": " + error.message()};
    }
    if (::mkdir(data_dir.c_str(), 0700) != 0 && errno != EEXIST) {
        return io_error("cannot make the data directory", data_dir, errno);
    }
    if (!fs::is_directory(data_dir, error))
        return io_error("cannot use the data directory", data_dir, ENOTDIR);
    return {};
}

Result<KeySeed> parse_key_seed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return Error{ErrorCode::invalid_input, "the key is empty"};
    text = text.substr(first, text.find_last_not_of(blanks) - first + 1);
    Result<KeySeed> seed = fixed_from_hex<KeySeed>(text);
    if (!seed) return Error{ErrorCode::invalid_input, "a node key is 64 hexadecimal digits"};
    return seed;
}

namespace {

Result<std::string> read_key_file(const std::string& data_dir) {
    const std::string path = node_key_path(data_dir);
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return Error{ErrorCode::not_found,
                         "there is no node key at " + path + ". Make one with `peerbook init`"};
        }
        return io_error("cannot read", path, errno);
    }
    struct stat info {};
    if (::fstat(file.fd(), &info) != 0) return io_error("cannot read", path, errno);
    if (!S_ISREG(info.st_mode)) return Error{ErrorCode::corrupt, path + " is not a file"};
    if ((info.st_mode & 077) != 0) {
        return Error{ErrorCode::unauthorized, "other users may read the node key " + path + " (mode " +
                                                  mode_text(info.st_mode) +
                                                  "). Make it yours alone: chmod 600 " + path};
    }
    std::string text(key_file_bytes_max, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t count = ::read(file.fd(), text.data() + size, text.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return io_error("cannot read", path, errno);
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    text.resize(size);
    return text;
}

bool is_encrypted(std::string_view text) {
    return text.starts_with(encrypted_heading);
}

Result<KeySeed> open_encrypted(std::string_view text, std::string_view passphrase, const std::string& path) {
    text = trimmed(text.substr(encrypted_heading.size()));
    Bytes sealed(KeySeed::size + sealed_secret_overhead);
    if (!from_hex(text, sealed).ok())
        return Error{ErrorCode::corrupt, path + " is damaged: the encrypted key is not whole"};
    Result<Bytes> opened = open_secret(sealed, passphrase);
    if (!opened) return opened.error().within(path);
    KeySeed seed;
    std::copy(opened->begin(), opened->end(), seed.data.begin());
    wipe(*opened);
    return seed;
}

}  // namespace

Result<KeySeed> load_node_key(const std::string& data_dir, const PassphraseSource& source) {
    Result<std::string> text = read_key_file(data_dir);
    if (!text) return text.error();
    if (is_encrypted(*text)) {
        Result<std::string> passphrase = read_passphrase(source);
        if (!passphrase) return passphrase.error();
        Result<KeySeed> seed = open_encrypted(*text, *passphrase, node_key_path(data_dir));
        wipe(*passphrase);
        return seed;
    }
    Result<KeySeed> seed = parse_key_seed(*text);
    wipe(*text);
    if (!seed)
        return Error{ErrorCode::corrupt, node_key_path(data_dir) + " is damaged: " + seed.error().message};
    return seed;
}

Result<bool> is_node_key_encrypted(const std::string& data_dir) {
    Result<std::string> text = read_key_file(data_dir);
    if (!text) return text.error();
    const bool encrypted = is_encrypted(*text);
    wipe(*text);
    return encrypted;
}

Status encrypt_node_key(const std::string& data_dir, std::string_view passphrase, const SealCost& cost) {
    const Result<bool> encrypted = is_node_key_encrypted(data_dir);
    if (!encrypted) return encrypted.error();
    if (*encrypted)
        return Error{ErrorCode::conflict, "the node key is encrypted already; `peerbook keys decrypt` first"};
    const Result<KeySeed> seed = load_node_key(data_dir);
    if (!seed) return seed.error();
    SealSalt salt;
    SealNonce nonce;
    fill_with_system_random(salt.data);
    fill_with_system_random(nonce.data);
    const Result<Bytes> sealed = seal_secret(seed->view(), passphrase, cost, salt, nonce);
    if (!sealed) return sealed.error();
    const std::string text = std::string(encrypted_heading) + "\n" + to_hex(ByteView(*sealed)) + "\n";
    const Result<KeySeed> opened = open_encrypted(text, passphrase, "what was just encrypted");
    if (!opened) return opened.error();
    PB_CHECK(*opened == *seed, "the key comes back as it was");
    return replace_file(node_key_path(data_dir), text);
}

Status decrypt_node_key(const std::string& data_dir, const PassphraseSource& source) {
    const Result<bool> encrypted = is_node_key_encrypted(data_dir);
    if (!encrypted) return encrypted.error();
    if (!*encrypted) return Error{ErrorCode::conflict, "the node key is not encrypted"};
    const Result<KeySeed> seed = load_node_key(data_dir, source);
    if (!seed) return seed.error();
    return replace_file(node_key_path(data_dir), to_hex(*seed) + "\n");
}

Status write_new_node_key(const std::string& data_dir, const KeySeed& seed) {
    if (Status made = make_data_directory(data_dir); !made) return made;
    const std::string path = node_key_path(data_dir);
    const std::string unfinished = path + "." + std::to_string(::getpid()) + ".new";
    ::unlink(unfinished.c_str());
    {
        const File file(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file.is_open()) return io_error("cannot write", unfinished, errno);
        if (Status written = write_whole(file.fd(), unfinished, to_hex(seed) + "\n"); !written) {
            ::unlink(unfinished.c_str());
            return written;
        }
    }
    // link() fails where the name is taken, so that no key is ever overwritten.
    const int linked = ::link(unfinished.c_str(), path.c_str());
    const int error_number = errno;
    ::unlink(unfinished.c_str());
    if (linked != 0 && error_number == EEXIST) {
        return Error{ErrorCode::conflict,
                     "there is a node key at " + path + " already; it was left as it is"};
    }
    if (linked != 0) return io_error("cannot write", path, error_number);
    const File directory(::open(data_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.is_open() || ::fsync(directory.fd()) != 0)
        return io_error("cannot write", data_dir, errno);
    return {};
}

Result<KeySeed> load_or_create_node_key(const std::string& data_dir, const PassphraseSource& source) {
    Result<KeySeed> present = load_node_key(data_dir, source);
    if (present || present.error().code != ErrorCode::not_found) return present;
    KeySeed seed;
    fill_with_system_random(seed.data);
    const Status written = write_new_node_key(data_dir, seed);
    if (!written && written.error().code != ErrorCode::conflict) return written.error();
    return load_node_key(data_dir, source);
}

PublicKey node_id_of(const KeySeed& seed) {
    return make_ed25519_signer(seed)->public_key();
}

}  // namespace peerbook::app
