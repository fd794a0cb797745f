// The words of a line and the forms they may have. For line_language.cc and its parts only.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/api/api_error.h"
#include "app/shell/line_language.h"

namespace peerbook::app {

// A mass quote of a thousand has the most words.
inline constexpr std::size_t words_max = 4'096;
inline constexpr std::string_view order_example = "buy BTC-USD 0.5 @ 60000";

inline bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

inline char lowered(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
inline char raised(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// "Cancel_All" is "cancel-all".
inline bool same_word(std::string_view a, std::string_view lower_case) {
    return std::equal(a.begin(), a.end(), lower_case.begin(), lower_case.end(),
                      [](char x, char y) { return lowered(x) == y || (x == '_' && y == '-'); });
}

inline bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The words of a line with their places. '@' is a word of its own wherever it stands.
class Words {
  public:
    explicit Words(std::string& line) : line_(line) {
        std::size_t i = 0;
        while (i < line.size()) {
            if (is_blank(line[i])) {
                ++i;
                continue;
            }
            std::size_t end = i + 1;
            if (line[i] != '@')
                while (end < line.size() && !is_blank(line[end]) && line[end] != '@')
                    ++end;
            // One above the most that any form has is enough to say that there are too many.
            if (words_.size() <= words_max) words_.push_back({i, end - i});
            i = end;
        }
    }

    std::size_t count() const { return words_.size(); }
    std::string_view at(std::size_t index) const {
        return std::string_view(line_).substr(words_[index].begin, words_[index].size);
    }
    std::size_t column(std::size_t index) const {
        return index < words_.size() ? words_[index].begin + 1 : line_.size() + 1;
    }

    bool done() const { return next_ == words_.size(); }
    std::size_t position() const { return next_; }
    std::string_view take() { return at(next_++); }
    bool take_if(std::string_view lower_case) {
        if (done() || !same_word(at(next_), lower_case)) return false;
        ++next_;
        return true;
    }
    // Precondition of this and the following: !done().
    bool next_is(std::string_view lower_case) const { return same_word(at(next_), lower_case); }
    void raise_next() {
        const Word word = words_[next_];
        for (std::size_t i = word.begin; i < word.begin + word.size; ++i)
            line_[i] = raised(line_[i]);
    }
    // The next word, in upper case.
    std::string_view take_name() {
        raise_next();
        return take();
    }
    // The next word, in lower case.
    std::string_view take_lower() {
        const Word word = words_[next_++];
        for (std::size_t i = word.begin; i < word.begin + word.size; ++i)
            line_[i] = lowered(line_[i]);
        return std::string_view(line_).substr(word.begin, word.size);
    }

    // The next word as JSON writes it: lower case, '_' for '-'.
    std::string_view take_identifier() {
        const Word word = words_[next_];
        for (std::size_t i = word.begin; i < word.begin + word.size; ++i)
            if (line_[i] == '-') line_[i] = '_';
        return take_lower();
    }
    // The next word and all behind it, as they stand, without blanks at the end.
    std::string_view take_rest() {
        const std::size_t begin = words_[next_].begin;
        next_ = words_.size();
        std::size_t end = line_.size();
        while (end > begin && is_blank(line_[end - 1]))
            --end;
        return std::string_view(line_).substr(begin, end - begin);
    }

  private:
    struct Word {
        std::size_t begin, size;
    };
    std::string& line_;
    std::vector<Word> words_;
    std::size_t next_ = 0;
};

using Parsed = std::variant<Action, LineError>;

// One form of the language: what is missing or too much is said with its example.
class Form {
  public:
    Form(Words& words, std::string_view example) : words_(words), example_(example) {}

    LineError error(std::string message, std::size_t word) const {
        return {std::move(message), words_.column(word), std::string(example_)};
    }
    LineError missing(std::string_view what) const {
        if (words_.done())
            return error(std::string(what) + " is missing at the end of the line", words_.position());
        return error(std::string(what) + " is expected here, not " + quoted(words_.at(words_.position())),
                     words_.position());
    }
    // The next word as the value of `field`; says what is missing where there is none, or that it was given.
    std::optional<LineError> take(OrderFields& fields, OrderField field, std::string_view what) {
        if (fields.has(field)) return error(std::string(what) + " is given twice", words_.position() - 1);
        if (words_.done()) return missing(what);
        fields.set_text(field, words_.take());
        return std::nullopt;
    }
    // The action, if nothing is left over.
    Parsed finish(Action action) const {
        if (words_.done()) return action;
        return error("nothing more is expected, but " + quoted(words_.at(words_.position())) + " follows",
                     words_.position());
    }

  private:
    Words& words_;
    std::string_view example_;
};

// order_lines.cc
// "7", or "7/2" for one of several that share a nonce: the own command that is meant. False if it is neither.
bool set_ref(OrderFields& fields, std::string_view word);
Parsed limit_line(Words& words, bool buy);
Parsed market_line(Words& words);
Parsed mass_quote_line(Words& words);
Parsed cancel_line(Words& words);
Parsed reduce_line(Words& words);
Parsed replace_line(Words& words);
Parsed cancel_all_line(Words& words);
Parsed cancel_after_line(Words& words);
// money_lines.cc
Parsed faucet_line(Words& words);
// AMOUNT ASSET to ACCOUNT: transfer and issue.
Parsed payment_line(Words& words, std::string_view op, std::string_view example);
Parsed redeem_line(Words& words);
Parsed withdraw_line(Words& words);
Parsed settle_line(Words& words);
Parsed create_market_line(Words& words);
Parsed halt_line(Words& words, std::string_view op, std::string_view example);

}  // namespace peerbook::app
