#include "app/node_keys/node_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace peerbook::app {
namespace {

class NodeKeys : public ::testing::Test {
  protected:
    NodeKeys() {
        std::string name = (std::filesystem::temp_directory_path() / "peerbook-keys-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
    }
    ~NodeKeys() override { std::filesystem::remove_all(root_); }

    std::string data_dir() const { return root_ + "/deep/er/data"; }
    static unsigned mode_of(const std::string& path) {
        struct stat info {};
        EXPECT_EQ(::stat(path.c_str(), &info), 0);
        return info.st_mode & 0777;
    }
    void write_key_file(const std::string& text, unsigned mode = 0600) {
        ASSERT_TRUE(make_data_directory(data_dir()).ok());
        std::ofstream(node_key_path(data_dir())) << text;
        ASSERT_EQ(::chmod(node_key_path(data_dir()).c_str(), mode), 0);
    }

    std::string root_;
};

TEST_F(NodeKeys, CreatedOnceForThisUserOnlyAndKept) {
    const auto first = load_or_create_node_key(data_dir());
    ASSERT_TRUE(first.ok()) << first.error().message;
    EXPECT_EQ(mode_of(data_dir()), 0700U);
    EXPECT_EQ(mode_of(node_key_path(data_dir())), 0600U);
    const auto second = load_or_create_node_key(data_dir());
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(*first, *second);
    EXPECT_FALSE(first->is_zero());
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(data_dir()))
        ++files;
    EXPECT_EQ(files, 1U);
}

TEST_F(NodeKeys, NeverOverwritesAKey) {
    const auto first = load_or_create_node_key(data_dir());
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(write_new_node_key(data_dir(), KeySeed{}).error().code, ErrorCode::conflict);
    EXPECT_EQ(*load_node_key(data_dir()), *first);
}

TEST_F(NodeKeys, MissingKeyIsNotFound) {
    EXPECT_EQ(load_node_key(data_dir()).error().code, ErrorCode::not_found);
}

TEST_F(NodeKeys, RefusesAKeyThatOthersMayRead) {
    write_key_file(std::string(64, '1'), 0640);
    const auto key = load_or_create_node_key(data_dir());
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().code, ErrorCode::unauthorized);
    EXPECT_NE(key.error().message.find("mode 0640"), std::string::npos) << key.error().message;
}

TEST_F(NodeKeys, RefusesADamagedFileWithoutShowingIt) {
    for (const std::string& text :
         {std::string(), std::string(63, 'a'), std::string(64, 'g'), std::string(4096, 'b')}) {
        write_key_file(text);
        const auto key = load_or_create_node_key(data_dir());
        ASSERT_FALSE(key.ok());
        EXPECT_EQ(key.error().code, ErrorCode::corrupt);
        EXPECT_EQ(key.error().message.find("ggg"), std::string::npos);
    }
}

TEST_F(NodeKeys, ReportsADirectoryThatCannotBeMade) {
    std::ofstream(root_ + "/file") << "x";
    const auto key = load_or_create_node_key(root_ + "/file/data");
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().code, ErrorCode::io);
}

TEST_F(NodeKeys, IdIsThePublicKeyOfTheSeed) {
    // RFC 8032, section 7.1, test 1.
    const auto seed = parse_key_seed(" 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n");
    ASSERT_TRUE(seed.ok());
    EXPECT_EQ(to_hex(node_id_of(*seed)), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
}

class EncryptedKeys : public NodeKeys {
  protected:
    // The least that libsodium takes, so that the tests are quick.
    static constexpr SealCost cheap{1, 8192};

    EncryptedKeys() {
        ::unsetenv("PEERBOOK_PASSPHRASE");
        ::unsetenv("PEERBOOK_PASSPHRASE_FILE");
        seed_ = load_or_create_node_key(data_dir()).value();
    }
    ~EncryptedKeys() override {
        ::unsetenv("PEERBOOK_PASSPHRASE");
        ::unsetenv("PEERBOOK_PASSPHRASE_FILE");
    }
    std::string passphrase_file(const std::string& text, unsigned mode = 0600) {
        const std::string path = root_ + "/passphrase";
        std::ofstream(path) << text;
        EXPECT_EQ(::chmod(path.c_str(), mode), 0);
        return path;
    }
    std::string key_text() {
        std::ifstream file(node_key_path(data_dir()));
        return {std::istreambuf_iterator<char>(file), {}};
    }
    static PassphraseSource from(const std::string& path) { return {path, false, false}; }

    KeySeed seed_;
};

TEST_F(EncryptedKeys, ThePassphraseComesFromAFileOrTheEnvironment) {
    ASSERT_TRUE(encrypt_node_key(data_dir(), "correct horse", cheap).ok());
    EXPECT_EQ(mode_of(node_key_path(data_dir())), 0600U);
    EXPECT_EQ(key_text().find(to_hex(seed_)), std::string::npos);
    EXPECT_TRUE(*is_node_key_encrypted(data_dir()));
    const std::string path = passphrase_file("correct horse\nsecond line\n");
    EXPECT_EQ(*load_node_key(data_dir(), from(path)), seed_);
    EXPECT_EQ(load_node_key(data_dir(), {"", false, false}).error().code, ErrorCode::unauthorized);
    ::setenv("PEERBOOK_PASSPHRASE_FILE", path.c_str(), 1);
    EXPECT_EQ(*load_node_key(data_dir(), {"", false, false}), seed_);
    ::setenv("PEERBOOK_PASSPHRASE", "correct horse", 1);
    EXPECT_EQ(*load_node_key(data_dir(), {"", false, false}), seed_);
    EXPECT_EQ(*load_or_create_node_key(data_dir(), {"", false, false}), seed_);
}

TEST_F(EncryptedKeys, AWrongPassphraseIsSaidAndNotRepeated) {
    ASSERT_TRUE(encrypt_node_key(data_dir(), "correct horse", cheap).ok());
    const auto wrong = load_node_key(data_dir(), from(passphrase_file("battery staple\n")));
    EXPECT_EQ(wrong.error().code, ErrorCode::unauthorized);
    EXPECT_NE(wrong.error().message.find("passphrase is wrong"), std::string::npos);
    EXPECT_EQ(wrong.error().message.find("battery"), std::string::npos);
    // Nor is a new key made in the place of one that cannot be opened.
    EXPECT_FALSE(load_or_create_node_key(data_dir(), from(passphrase_file("x\n"))).ok());
    EXPECT_TRUE(*is_node_key_encrypted(data_dir()));
}

TEST_F(EncryptedKeys, DecryptingGivesTheSameFileAgain) {
    const std::string before = key_text();
    ASSERT_TRUE(encrypt_node_key(data_dir(), "p", cheap).ok());
    EXPECT_EQ(encrypt_node_key(data_dir(), "q", cheap).error().code, ErrorCode::conflict);
    EXPECT_FALSE(decrypt_node_key(data_dir(), from(passphrase_file("q"))).ok());
    ASSERT_TRUE(decrypt_node_key(data_dir(), from(passphrase_file("p"))).ok());
    EXPECT_EQ(key_text(), before);
    EXPECT_EQ(decrypt_node_key(data_dir()).error().code, ErrorCode::conflict);
}

TEST_F(EncryptedKeys, ADamagedFileAndOnesThatOthersCanReadAreRefused) {
    ASSERT_TRUE(encrypt_node_key(data_dir(), "p", cheap).ok());
    const std::string whole = key_text();
    const std::string path = passphrase_file("p");
    write_key_file(whole.substr(0, whole.size() - 10));
    EXPECT_EQ(load_node_key(data_dir(), from(path)).error().code, ErrorCode::corrupt);
    write_key_file(whole, 0640);
    EXPECT_EQ(load_node_key(data_dir(), from(path)).error().code, ErrorCode::unauthorized);
    write_key_file(whole);
    const auto open = load_node_key(data_dir(), from(passphrase_file("p", 0644)));
    EXPECT_EQ(open.error().code, ErrorCode::unauthorized);
    EXPECT_NE(open.error().message.find("chmod 600"), std::string::npos);
    EXPECT_EQ(load_node_key(data_dir(), from(passphrase_file(""))).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(load_node_key(data_dir(), from(passphrase_file(std::string(2000, 'x')))).error().code,
              ErrorCode::invalid_input);
    EXPECT_EQ(load_node_key(data_dir(), from(root_ + "/none")).error().code, ErrorCode::io);
}

}  // namespace
}  // namespace peerbook::app
