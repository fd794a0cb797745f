#include "app/node_keys/passphrase.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace peerbook::app {

namespace {

constexpr const char* how_to =
    "give it with --passphrase-file FILE, in the variable PEERBOOK_PASSPHRASE or PEERBOOK_PASSPHRASE_FILE, "
    "or at "
    "a terminal";

Error io_error(const std::string& what, const std::string& path) {
    return {ErrorCode::io, what + " " + path + ": " + std::strerror(errno)};
}

// The first line, as it stands.
Result<std::string> read_line(int file, const std::string& path) {
    std::string text;
    char byte = 0;
    while (text.size() <= passphrase_bytes_max) {
        const ssize_t count = ::read(file, &byte, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return io_error("cannot read", path);
        if (count == 0 || byte == '\n') break;
        text.push_back(byte);
    }
    if (!text.empty() && text.back() == '\r') text.pop_back();
    return text;
}

Result<std::string> checked(Result<std::string> text, const std::string& from) {
    if (!text) return text;
    if (text->empty()) return Error{ErrorCode::invalid_input, "the passphrase from " + from + " is empty"};
    if (text->size() > passphrase_bytes_max)
        return Error{ErrorCode::invalid_input, "the passphrase from " + from + " is longer than " +
                                                   std::to_string(passphrase_bytes_max) + " bytes"};
    return text;
}

Result<std::string> read_file(const std::string& path) {
    if (path == "-") return checked(read_line(STDIN_FILENO, "standard input"), "standard input");
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return io_error("cannot read the passphrase file", path);
    struct stat info {};
    if (::fstat(file, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 077) != 0) {
        ::close(file);
        return Error{ErrorCode::unauthorized, "other users may read the passphrase file " + path +
                                                  ". Make it yours alone: chmod 600 " + path};
    }
    Result<std::string> text = read_line(file, path);
    ::close(file);
    return checked(std::move(text), path);
}

// Turns the echo of the terminal off while it lives.
class Silence {
  public:
    explicit Silence(int terminal) : terminal_(terminal) {
        is_set_ = ::tcgetattr(terminal, &before_) == 0;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        if (is_set_) ::tcsetattr(terminal, TCSAFLUSH, &silent);
    }
    ~Silence() {
        if (is_set_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

  private:
    int terminal_;
    termios before_{};
    bool is_set_ = false;
};

Result<std::string> ask(int terminal, const std::string& question) {
    const auto say = [terminal](const std::string& text) {
        if (::write(terminal, text.data(), text.size()) < 0) return;  // then the question stays unseen
    };
    say(question);
    Result<std::string> text = [terminal] {
        const Silence silence(terminal);
        return read_line(terminal, "the terminal");
    }();
    say("\n");
    return checked(std::move(text), "the terminal");
}

Result<std::string> prompt(const PassphraseSource& source) {
    const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0)
        return Error{
            ErrorCode::unauthorized,
            std::string("the node key needs a passphrase, and there is no terminal to ask at: ") + how_to};
    Result<std::string> first = ask(terminal, "Passphrase of the node key: ");
    if (first && source.confirm) {
        Result<std::string> second = ask(terminal, "The same again: ");
        if (second && *second != *first)
            second = Error{ErrorCode::invalid_input, "the two passphrases differ; nothing was changed"};
        if (!second) first = second.error();
    }
    ::close(terminal);
    return first;
}

}  // namespace

Result<std::string> read_passphrase(const PassphraseSource& source) {
    if (!source.file.empty()) return read_file(source.file);
    if (const char* text = std::getenv("PEERBOOK_PASSPHRASE"); text != nullptr && *text != '\0')
        return checked(std::string(text), "PEERBOOK_PASSPHRASE");
    if (const char* path = std::getenv("PEERBOOK_PASSPHRASE_FILE"); path != nullptr && *path != '\0')
        return read_file(path);
    if (source.may_prompt) return prompt(source);
    return Error{ErrorCode::unauthorized, std::string("the node key needs a passphrase: ") + how_to};
}

}  // namespace peerbook::app
