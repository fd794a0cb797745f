#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace peerbook::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Texts = std::map<std::string, std::string>;

class SettingsTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "peerbook-test-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory = pattern;
        file = directory + "/peerbook.toml";
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    void write_file(const std::string& text) const { std::ofstream(file) << text; }

    static LoadedSettings load(const Texts& flags, Texts environment, const std::string& path = "") {
        environment.emplace("HOME", "/home/ann");
        Result<LoadedSettings> loaded = load_settings(flags, environment, path);
        if (loaded.ok()) return loaded.value();
        ADD_FAILURE() << loaded.error().message;
        return {};
    }
    static std::string mistake(const Texts& flags, Texts environment, const std::string& path = "") {
        environment.emplace("HOME", "/home/ann");
        const Result<LoadedSettings> loaded = load_settings(flags, environment, path);
        return loaded.ok() ? "none" : loaded.error().message;
    }
    std::string mistake_in_file(const std::string& text) const {
        write_file(text);
        return mistake({}, {}, file);
    }

    std::string directory;
    std::string file;
};

TEST_F(SettingsTest, WithoutAnyLayerDefaultsHold) {
    const LoadedSettings loaded = load({}, {});
    const Settings expected;
    const Settings& settings = loaded.settings;
    EXPECT_EQ(settings.data_dir, "/home/ann/.peerbook");
    EXPECT_EQ(settings.network_file, expected.network_file);
    EXPECT_EQ(settings.found, expected.found);
    EXPECT_EQ(settings.p2p_enabled, expected.p2p_enabled);
    EXPECT_EQ(settings.p2p_host, expected.p2p_host);
    EXPECT_EQ(settings.p2p_port, expected.p2p_port);
    EXPECT_EQ(settings.p2p_plain_tcp, expected.p2p_plain_tcp);
    EXPECT_TRUE(settings.p2p_compression);
    EXPECT_EQ(settings.p2p_broadcast, expected.p2p_broadcast);
    EXPECT_EQ(settings.p2p_mdns, expected.p2p_mdns);
    EXPECT_EQ(settings.p2p_nat, "auto");
    EXPECT_EQ(settings.bootstrap, expected.bootstrap);
    EXPECT_EQ(settings.max_peers, expected.max_peers);
    EXPECT_EQ(settings.reconnect_interval_s, expected.reconnect_interval_s);
    EXPECT_EQ(settings.peer_storage_path, expected.peer_storage_path);
    EXPECT_EQ(settings.gossip, expected.gossip);
    EXPECT_EQ(settings.gossip_direct_nodes, expected.gossip_direct_nodes);
    EXPECT_EQ(settings.gossip_fanout, expected.gossip_fanout);
    EXPECT_EQ(settings.gossip_interval_ms, expected.gossip_interval_ms);
    EXPECT_EQ(settings.gossip_age_ms, expected.gossip_age_ms);
    EXPECT_EQ(settings.gossip_forward_ppm, expected.gossip_forward_ppm);
    EXPECT_EQ(settings.gossip_push_ppm, expected.gossip_push_ppm);
    EXPECT_EQ(settings.gossip_forwards, expected.gossip_forwards);
    EXPECT_EQ(settings.gossip_ttl, expected.gossip_ttl);
    EXPECT_EQ(settings.gossip_anti_entropy_interval_ms, expected.gossip_anti_entropy_interval_ms);
    EXPECT_EQ(settings.gossip_anti_entropy_peers, expected.gossip_anti_entropy_peers);
    EXPECT_EQ(settings.gossip_prune_interval_ms, expected.gossip_prune_interval_ms);
    EXPECT_EQ(settings.gossip_dedup_window_ms, expected.gossip_dedup_window_ms);
    EXPECT_EQ(settings.grenache, expected.grenache);
    EXPECT_EQ(settings.grape_url, expected.grape_url);
    EXPECT_EQ(settings.grenache_rpc, expected.grenache_rpc);
    EXPECT_EQ(settings.grenache_rpc_host, expected.grenache_rpc_host);
    EXPECT_EQ(settings.grenache_rpc_port, expected.grenache_rpc_port);
    EXPECT_EQ(settings.registries, expected.registries);
    EXPECT_EQ(settings.serve_registry, expected.serve_registry);
    EXPECT_EQ(settings.registry_host, expected.registry_host);
    EXPECT_EQ(settings.registry_port, expected.registry_port);
    EXPECT_EQ(settings.dht_enabled, expected.dht_enabled);
    EXPECT_EQ(settings.dht_port, expected.dht_port);
    EXPECT_EQ(settings.dht_bootstrap, expected.dht_bootstrap);
    EXPECT_EQ(settings.embedded_grape, expected.embedded_grape);
    EXPECT_EQ(settings.grape_host, expected.grape_host);
    EXPECT_EQ(settings.grape_port, expected.grape_port);
    EXPECT_EQ(settings.api_host, expected.api_host);
    EXPECT_EQ(settings.api_port, expected.api_port);
    EXPECT_EQ(settings.use_stdin, expected.use_stdin);
    EXPECT_EQ(settings.exit_on_eof, expected.exit_on_eof);
    EXPECT_EQ(settings.json, expected.json);
    EXPECT_EQ(settings.log_level, expected.log_level);
    EXPECT_EQ(settings.log_format, expected.log_format);
    EXPECT_EQ(settings.batch_delay_us, expected.batch_delay_us);
    EXPECT_EQ(settings.ack_delay_ms, expected.ack_delay_ms);
    EXPECT_EQ(settings.suspect_after_ms, expected.suspect_after_ms);
    EXPECT_EQ(settings.leave_on_stop, expected.leave_on_stop);
    for (const SettingRow& row : setting_rows()) {
        ASSERT_TRUE(loaded.origin.contains(row.key)) << row.key;
        EXPECT_EQ(loaded.origin.at(row.key).source, "default") << row.key;
    }
    EXPECT_EQ(loaded.origin.size(), setting_rows().size());
}

TEST_F(SettingsTest, FlagsGoBeforeEnvironmentBeforeFileBeforeDefaults) {
    write_file("[p2p]\nport = 1\nmax_peers = 11\n[api]\nport = 21\n[log]\nlevel = \"debug\"\n");
    const LoadedSettings loaded =
        load({{"p2p.port", "3"}}, {{"P2P_PORT", "2"}, {"MAX_PEERS", "12"}, {"API_PORT", "22"}}, file);
    EXPECT_EQ(loaded.settings.p2p_port, 3);
    EXPECT_EQ(loaded.origin.at("p2p.port").source, "flag --p2p-port");
    EXPECT_EQ(loaded.settings.max_peers, 12u);
    EXPECT_EQ(loaded.origin.at("p2p.max_peers").source, "environment MAX_PEERS");
    EXPECT_EQ(loaded.settings.api_port, 22);
    EXPECT_EQ(loaded.settings.log_level, "debug");
    EXPECT_EQ(loaded.origin.at("log.level").source, "file " + file + ":7");
    EXPECT_EQ(loaded.origin.at("log.format").source, "default");
    EXPECT_EQ(loaded.origin.at("log.format").text, "text");
}

TEST_F(SettingsTest, ThePassphraseItselfIsNoSetting) {
    const LoadedSettings loaded = load({}, {{"PEERBOOK_PASSPHRASE", "correct horse"}});
    for (const auto& [key, value] : loaded.origin)
        EXPECT_EQ(value.text.find("correct"), std::string::npos) << key;
}

TEST_F(SettingsTest, EverySettingCanComeFromEachLayer) {
    const Texts values = {{"data_dir", "/x"},
                          {"network", "/n.toml"},
                          {"passphrase_file", "/secret"},
                          {"found", "true"},
                          {"p2p.enabled", "true"},
                          {"p2p.host", "::1"},
                          {"p2p.port", "4001"},
                          {"p2p.plain_tcp", "true"},
                          {"p2p.broadcast", "false"},
                          {"p2p.compression", "false"},
                          {"p2p.certificate", "/c"},
                          {"p2p.mdns", "false"},
                          {"p2p.nat", "nat-pmp"},
                          {"p2p.bootstrap", "a:1,[::1]:2"},
                          {"p2p.max_peers", "7"},
                          {"p2p.reconnect_interval_s", "60"},
                          {"p2p.peer_storage_path", "/p.json"},
                          {"p2p.gossip", "tree"},
                          {"p2p.gossip_direct_nodes", "7"},
                          {"p2p.gossip_fanout", "8"},
                          {"p2p.gossip_interval_ms", "900"},
                          {"p2p.gossip_age_ms", "40000"},
                          {"p2p.gossip_forward_ppm", "500000"},
                          {"p2p.gossip_push_ppm", "600000"},
                          {"p2p.gossip_forwards", "6"},
                          {"p2p.gossip_ttl", "9"},
                          {"p2p.gossip_anti_entropy_interval_ms", "20000"},
                          {"p2p.gossip_anti_entropy_peers", "2"},
                          {"p2p.gossip_prune_interval_ms", "10000"},
                          {"p2p.gossip_dedup_window_ms", "200000"},
                          {"p2p.grenache", "true"},
                          {"p2p.grape_url", "http://a:1"},
                          {"p2p.grenache_rpc", "true"},
                          {"p2p.grenache_rpc_host", "localhost"},
                          {"p2p.grenache_rpc_port", "4006"},
                          {"p2p.registries", "http://a:1,http://[::1]:2"},
                          {"registry.serve", "true"},
                          {"registry.host", "localhost"},
                          {"registry.port", "4005"},
                          {"dht.enabled", "true"},
                          {"dht.port", "4003"},
                          {"dht.bootstrap", "a:1,[::1]:2"},
                          {"dht.embedded_grape", "true"},
                          {"dht.grape_api_host", "localhost"},
                          {"dht.grape_api_port", "4004"},
                          {"api.host", "localhost"},
                          {"api.port", "4002"},
                          {"stdin", "true"},
                          {"exit_on_eof", "true"},
                          {"json", "true"},
                          {"log.level", "warn"},
                          {"log.format", "json"},
                          {"ordering.batch_delay_us", "0"},
                          {"ordering.ack_delay_ms", "20"},
                          {"ordering.suspect_after_ms", "0"},
                          {"ordering.leave_on_stop", "false"}};
    Texts by_flag, by_environment;
    std::string in_file;
    for (const SettingRow& row : setting_rows()) {
        ASSERT_TRUE(values.contains(row.key)) << row.key;
        const std::string& text = values.at(row.key);
        by_flag[row.flag] = text;
        by_environment[row.environment] = text;
        in_file += row.key + " = ";
        if (row.kind == SettingKind::list) {
            const std::size_t comma = text.find(',');
            in_file += "[\"" + text.substr(0, comma) + "\", \"" + text.substr(comma + 1) + "\"]\n";
        } else {
            in_file += row.kind == SettingKind::text ? "\"" + text + "\"\n" : text + "\n";
        }
    }
    write_file(in_file);
    for (const LoadedSettings& loaded : {load(by_flag, {}), load({}, by_environment), load({}, {}, file)}) {
        for (const auto& [key, value] : loaded.origin) {
            EXPECT_EQ(value.text, values.at(key)) << key;
            EXPECT_NE(value.source, "default") << key;
        }
        EXPECT_THAT(loaded.settings.bootstrap, ElementsAre("a:1", "[::1]:2"));
        EXPECT_EQ(loaded.settings.p2p_host, "::1");
        EXPECT_EQ(loaded.settings.batch_delay_us, 0u);
        EXPECT_TRUE(loaded.settings.use_stdin);
        EXPECT_FALSE(loaded.settings.p2p_broadcast);
        EXPECT_FALSE(loaded.settings.p2p_mdns);
        EXPECT_EQ(loaded.settings.p2p_nat, "nat-pmp");
    }
}

TEST_F(SettingsTest, WaysToMapAPortAreNamed) {
    for (const char* way : {"auto", "on", "upnp", "nat-pmp", "off"})
        EXPECT_EQ(load({{"--nat", way}}, {}).settings.p2p_nat, way);
    const std::string why = mistake({}, {{"P2P_NAT", "pcp"}});
    EXPECT_NE(why.find("P2P_NAT"), std::string::npos) << why;
    EXPECT_NE(why.find("auto (or on), upnp, nat-pmp or off"), std::string::npos) << why;
}

TEST_F(SettingsTest, BooleansHaveSeveralSpellings) {
    for (const char* yes : {"true", "yes", "on", "1"})
        EXPECT_TRUE(load({{"found", yes}}, {}).settings.found) << yes;
    for (const char* no : {"false", "no", "off", "0"})
        EXPECT_FALSE(load({}, {{"P2P_ENABLED", no}}).settings.p2p_enabled) << no;
    EXPECT_EQ(mistake({{"found", "maybe"}}, {}),
              "found: \"maybe\" (flag --found) is not allowed; allowed: true or false");
}

TEST_F(SettingsTest, AnEmptyVariableCountsAsNotSet) {
    EXPECT_EQ(load({}, {{"P2P_PORT", ""}}).settings.p2p_port, 3000);
}

TEST_F(SettingsTest, ATildeStandsForHome) {
    const LoadedSettings loaded = load({{"network", "~/n.toml"}, {"data_dir", "~"}}, {});
    EXPECT_EQ(loaded.settings.network_file, "/home/ann/n.toml");
    EXPECT_EQ(loaded.settings.data_dir, "/home/ann");
    EXPECT_EQ(load({{"data_dir", "~ann"}}, {}).settings.data_dir, "~ann");
}

TEST_F(SettingsTest, ATildeWithoutHomeIsAMistake) {
    const Result<LoadedSettings> loaded = load_settings({}, {}, "");
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().message,
              "data_dir: \"~/.peerbook\" (default) needs the variable HOME, which is not set");
    EXPECT_TRUE(load_settings({{"data_dir", "/x"}}, {}, "").ok());
}

TEST_F(SettingsTest, NumbersOutsideTheirRangeNameKeySourceValueAndRange) {
    EXPECT_EQ(mistake({{"p2p.port", "65536"}}, {}),
              "p2p.port: \"65536\" (flag --p2p-port) is not allowed; allowed: an integer from 0 to 65535");
    EXPECT_EQ(
        mistake({}, {{"MAX_PEERS", "0"}}),
        "p2p.max_peers: \"0\" (environment MAX_PEERS) is not allowed; allowed: an integer from 1 to 10000");
    EXPECT_EQ(mistake_in_file("\n[ordering]\nack_delay_ms = 10001\n"),
              "ordering.ack_delay_ms: \"10001\" (file " + file +
                  ":3) is not allowed; allowed: an integer from 1 to 10000");
    EXPECT_THAT(mistake({{"api.port", "-1"}}, {}), HasSubstr("api.port: \"-1\""));
    EXPECT_THAT(mistake({{"p2p.reconnect_interval_s", "86401"}}, {}), HasSubstr("from 1 to 86400"));
    EXPECT_THAT(mistake({{"ordering.batch_delay_us", "1000001"}}, {}), HasSubstr("from 0 to 1000000"));
}

TEST_F(SettingsTest, TextThatIsNoNumberIsAMistake) {
    for (const char* text : {"", "x", "1e3", "3000 ", " 3000", "0x10", "3.0", "99999999999999999999999"})
        EXPECT_THAT(mistake({{"api.port", text}}, {}), HasSubstr("api.port: \"" + std::string(text) + "\""))
            << text;
}

TEST_F(SettingsTest, BadTextsNameWhatIsAllowed) {
    EXPECT_THAT(mistake({{"log.level", "loud"}}, {}),
                HasSubstr("allowed: trace, debug, info, warn, error or off"));
    EXPECT_THAT(mistake({{"log.format", "xml"}}, {}), HasSubstr("allowed: text or json"));
    EXPECT_THAT(mistake({{"p2p.host", ""}}, {}), HasSubstr("allowed: a host name or address"));
    EXPECT_THAT(mistake({{"api.host", "a b"}}, {}), HasSubstr("allowed: an IP address or localhost"));
    EXPECT_THAT(mistake({{"api.host", std::string(254, 'a')}}, {}),
                HasSubstr("allowed: an IP address or localhost"));
    EXPECT_THAT(mistake({{"data_dir", ""}}, {}),
                HasSubstr("data_dir: \"\" (flag --data-dir) is not allowed"));
}

TEST_F(SettingsTest, BootstrapPeersAreHostsWithPorts) {
    EXPECT_THAT(
        load({{"p2p.bootstrap", "a.example:1, 10.0.0.1:65535,[2001:db8::1]:3000"}}, {}).settings.bootstrap,
        ElementsAre("a.example:1", "10.0.0.1:65535", "[2001:db8::1]:3000"));
    EXPECT_THAT(load({{"p2p.bootstrap", ""}}, {}).settings.bootstrap, ElementsAre());
    for (const char* text :
         {"a", "a:", ":1", "a:0", "a:65536", "::1:3000", "[]:1", "a:1,", "a:1,,b:2", "a b:1"})
        EXPECT_THAT(mistake({{"p2p.bootstrap", text}}, {}),
                    AllOf(HasSubstr("p2p.bootstrap"), HasSubstr("allowed: host:port")))
            << text;
    std::string many = "a:1";
    for (std::size_t i = 0; i < bootstrap_peers_max; ++i)
        many += ",a:1";
    EXPECT_THAT(mistake({{"p2p.bootstrap", many}}, {}), HasSubstr("at most 1000"));
}

TEST_F(SettingsTest, UnknownNamesComeWithTheNearest) {
    EXPECT_EQ(mistake({{"--p2p-prot", "1"}}, {}),
              "unknown flag \"--p2p-prot\" (command line); the nearest known one is \"--p2p-port\"");
    EXPECT_EQ(mistake({}, {{"PEERBOOK_DATADIR", "x"}}),
              "unknown variable \"PEERBOOK_DATADIR\" (environment); the nearest known one is "
              "\"PEERBOOK_DATA_DIR\"");
    EXPECT_EQ(
        mistake_in_file("[p2p]\nmax_pears = 3\n"),
        "unknown key \"p2p.max_pears\" (file " + file + ":2); the nearest known one is \"p2p.max_peers\"");
    EXPECT_THAT(mistake_in_file("p2p = 3\n"), HasSubstr("unknown key \"p2p\""));
    EXPECT_THAT(mistake_in_file("[json]\nx = true\n"), HasSubstr("unknown key \"json.x\""));
}

TEST_F(SettingsTest, VariablesOfOthersAreIgnored) {
    EXPECT_EQ(load({}, {{"PATH", "/bin"}, {"P2P_PROT", "1"}}).settings.p2p_port, 3000);
}

TEST_F(SettingsTest, ValuesOfAnotherTypeInTheFileSayHowToWriteThem) {
    EXPECT_EQ(mistake_in_file("[p2p]\nport = \"3000\"\n"),
              "p2p.port: the value (file " + file +
                  ":2) must be written as a number without quotes; allowed: an integer from 0 to 65535");
    EXPECT_THAT(mistake_in_file("[p2p]\nport = 3000.0\n"), HasSubstr("a number without quotes"));
    EXPECT_THAT(mistake_in_file("found = \"true\"\n"), HasSubstr("true or false without quotes"));
    EXPECT_THAT(mistake_in_file("data_dir = 7\n"), HasSubstr("a text in quotes"));
    EXPECT_THAT(mistake_in_file("[p2p]\nbootstrap = \"a:1\"\n"), HasSubstr("a list of texts"));
    EXPECT_THAT(mistake_in_file("[p2p]\nbootstrap = [1]\n"), HasSubstr("a list of texts"));
    EXPECT_THAT(mistake_in_file("[p2p]\nbootstrap = [\"a:1,b:2\"]\n"), HasSubstr("a list of texts"));
}

TEST_F(SettingsTest, AFileWithBrokenSyntaxNamesTheLine) {
    EXPECT_THAT(mistake_in_file("found = true\nport = = 3\n"), HasSubstr(file + ":2: "));
    EXPECT_THAT(mistake_in_file("found = true\nfound = true\n"), HasSubstr(file + ":2: "));
}

TEST_F(SettingsTest, AMissingOrHugeFileIsTold) {
    const Result<LoadedSettings> missing = load_settings({}, {{"HOME", "/"}}, directory + "/none.toml");
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
    EXPECT_THAT(missing.error().message, HasSubstr(directory + "/none.toml"));
    write_file(std::string(settings_file_bytes_max + 1, '#'));
    const Result<LoadedSettings> huge = load_settings({}, {{"HOME", "/"}}, file);
    ASSERT_FALSE(huge.ok());
    EXPECT_EQ(huge.error().code, ErrorCode::too_large);
    write_file(std::string(settings_file_bytes_max, '#'));
    EXPECT_TRUE(load_settings({}, {{"HOME", "/"}}, file).ok());
}

TEST_F(SettingsTest, PortsThatCollideAreAMistake) {
    EXPECT_EQ(mistake({{"p2p.port", "8080"}}, {}),
              "p2p.port = 8080 (flag --p2p-port) and api.port = 8080 (default) must differ, since they share "
              "a host");
    EXPECT_EQ(mistake({{"p2p.port", "8080"}, {"p2p.host", "10.0.0.1"}}, {}), "none");
    EXPECT_THAT(mistake({{"p2p.port", "8080"}, {"p2p.host", "10.0.0.1"}, {"api.host", "::"}}, {}),
                HasSubstr("must differ"));
    EXPECT_EQ(mistake({{"p2p.port", "8080"}, {"p2p.enabled", "false"}}, {}), "none");
    EXPECT_EQ(mistake({{"p2p.port", "0"}, {"api.port", "0"}}, {}), "none");
}

TEST_F(SettingsTest, BootstrapPeersWithoutPeersAreAMistake) {
    EXPECT_THAT(mistake({{"p2p.bootstrap", "a:1"}}, {{"P2P_ENABLED", "false"}}),
                HasSubstr("p2p.bootstrap = a:1 (flag --bootstrap) has no use with p2p.enabled = false"));
}

TEST_F(SettingsTest, GrenacheWithoutPeersIsTheLegacyModeWhichServesTheRpc) {
    const auto pure = load({}, {}).settings;
    EXPECT_FALSE(pure.is_legacy() || pure.serves_rpc());
    EXPECT_TRUE(pure.has_peers());
    const auto legacy = load({{"p2p.grenache", "true"}}, {{"P2P_ENABLED", "false"}}).settings;
    EXPECT_TRUE(legacy.is_legacy() && legacy.serves_rpc() && legacy.has_peers());
    const auto hybrid = load({{"p2p.grenache", "true"}, {"p2p.grenache_rpc", "true"}}, {}).settings;
    EXPECT_TRUE(!hybrid.is_legacy() && hybrid.serves_rpc() && hybrid.has_peers());
    EXPECT_FALSE(load({{"p2p.grenache", "true"}}, {}).settings.serves_rpc());
    // For programs alone.
    const auto served = load({{"p2p.grenache_rpc", "true"}}, {{"P2P_ENABLED", "false"}}).settings;
    EXPECT_TRUE(!served.has_peers() && served.serves_rpc());
    EXPECT_THAT(mistake({{"p2p.grenache_rpc", "true"}, {"p2p.grenache_rpc_port", "3000"}}, {}),
                HasSubstr("p2p.port = 3000 (default) and p2p.grenache_rpc_port = 3000"));
    EXPECT_EQ(mistake({{"p2p.grenache_rpc_port", "3000"}}, {}), "none");
}

TEST_F(SettingsTest, TheDhtAndAGrapeAreOffAndTheirSettingsFitTogether) {
    EXPECT_FALSE(load({}, {}).settings.runs_dht());
    EXPECT_TRUE(load({{"dht.enabled", "true"}}, {}).settings.runs_dht());
    EXPECT_TRUE(load({{"dht.embedded_grape", "true"}}, {{"P2P_ENABLED", "false"}}).settings.runs_dht());
    EXPECT_THAT(mistake({{"dht.bootstrap", "a:1"}}, {}),
                HasSubstr("dht.bootstrap = a:1 (flag --dht-bootstrap) has no use with dht.enabled = false"));
    EXPECT_THAT(mistake({{"dht.enabled", "true"}}, {{"P2P_ENABLED", "false"}}),
                HasSubstr("has no use with p2p.enabled = false"));
    EXPECT_THAT(mistake({{"dht.enabled", "true"}, {"dht.port", "3000"}}, {}),
                HasSubstr("p2p.port = 3000 (default) and dht.port = 3000 (flag --dht-port) must differ"));
    EXPECT_EQ(mistake({{"dht.port", "3000"}}, {}), "none");
    EXPECT_THAT(mistake({{"dht.embedded_grape", "true"}, {"dht.grape_api_port", "20001"}}, {}),
                HasSubstr("dht.port = 20001 (default) and dht.grape_api_port = 20001"));
    for (const char* url : {"127.0.0.1:30001", "https://a:1", "http://a", "http://a:1/b"})
        EXPECT_THAT(mistake({{"p2p.grape_url", url}}, {}), HasSubstr("allowed: http://host:port")) << url;
}

TEST_F(SettingsTest, RegistriesAreAFewUrlsAndServingOneHasAPortOfItsOwn) {
    EXPECT_THAT(load({{"p2p.registries", "http://a:1, http://b:2/"}}, {}).settings.registries,
                ElementsAre("http://a:1", "http://b:2/"));
    for (const char* wrong : {"a:1", "http://a", "https://a:1", "http://a:1,", "http://a:1/api"})
        EXPECT_THAT(mistake({{"p2p.registries", wrong}}, {}),
                    HasSubstr("allowed: http://host:port, at most 8"))
            << wrong;
    std::string many = "http://a:1";
    for (int port = 2; port <= 8; ++port)
        many += ",http://a:" + std::to_string(port);
    EXPECT_EQ(mistake({{"p2p.registries", many}}, {}), "none");
    EXPECT_THAT(mistake({{"p2p.registries", many + ",http://a:9"}}, {}), HasSubstr("at most 8"));
    EXPECT_THAT(mistake({{"p2p.registries", "http://a:1,http://a:1"}}, {}),
                HasSubstr("names http://a:1 twice"));
    EXPECT_THAT(mistake({{"p2p.registries", "http://a:1,http://a:1/"}}, {}), HasSubstr("twice"));
    EXPECT_THAT(mistake({{"p2p.registries", "http://a:1"}}, {{"P2P_ENABLED", "false"}}),
                HasSubstr("has no use with p2p.enabled = false"));
    EXPECT_THAT(
        mistake({{"registry.serve", "true"}, {"registry.port", "8080"}}, {}),
        HasSubstr("api.port = 8080 (default) and registry.port = 8080 (flag --registry-port) must differ"));
    EXPECT_EQ(mistake({{"registry.port", "8080"}}, {}), "none");
    EXPECT_EQ(mistake({{"registry.serve", "true"}}, {{"P2P_ENABLED", "false"}}), "none");
}

TEST_F(SettingsTest, NamesOfGrenachesUsersMeanTheDhtsSettings) {
    const LoadedSettings loaded =
        load({{"dht.enabled", "true"}}, {{"GRAPE_DHT_PORT", "20011"}, {"GRAPE_BOOTSTRAP_NODES", "a:1,b:2"}});
    EXPECT_EQ(loaded.settings.dht_port, 20011);
    EXPECT_THAT(loaded.settings.dht_bootstrap, ElementsAre("a:1", "b:2"));
    EXPECT_EQ(loaded.origin.at("dht.port").source, "environment GRAPE_DHT_PORT");
    EXPECT_EQ(mistake({}, {{"GRAPE_DHT_PORT", "1"}, {"DHT_PORT", "1"}}), "none");
    EXPECT_EQ(mistake({}, {{"GRAPE_DHT_PORT", "1"}, {"DHT_PORT", "2"}}),
              "the variables GRAPE_DHT_PORT and DHT_PORT name one setting and differ: leave one out");
}

TEST_F(SettingsTest, RowsHaveDistinctNamesAndHelp) {
    std::map<std::string, int> seen;
    for (const SettingRow& row : setting_rows()) {
        ++seen[row.key];
        ++seen[row.environment];
        ++seen[row.flag];
        EXPECT_TRUE(row.flag.starts_with("--")) << row.key;
        EXPECT_FALSE(row.help.empty()) << row.key;
        EXPECT_FALSE(row.allowed.empty()) << row.key;
    }
    EXPECT_EQ(seen.size(), setting_rows().size() * 3);
}

TEST_F(SettingsTest, TheReadmeHasEverySetting) {
    std::ifstream in(std::string(PEERBOOK_SAMPLES) + "/../README.md");
    std::ostringstream readme;
    readme << in.rdbuf();
    for (const SettingRow& row : setting_rows()) {
        const std::string fallback = row.fallback.empty() ? "" : "`" + row.fallback + "`";
        EXPECT_THAT(readme.str(), HasSubstr("| `" + row.key + "` | `" + row.environment + "` | `" + row.flag +
                                            "` | " + fallback + " |"));
    }
}

TEST_F(SettingsTest, TheSampleFileHasEverySettingWithItsDefault) {
    std::ifstream sample(std::string(PEERBOOK_SAMPLES) + "/peerbook.toml");
    ASSERT_TRUE(sample);
    std::ostringstream as_it_is, uncommented;
    for (std::string line; std::getline(sample, line);) {
        as_it_is << line << "\n";
        if (line.starts_with("#") && !line.starts_with("# ")) line.erase(0, 1);
        uncommented << line << "\n";
    }
    write_file(as_it_is.str());
    for (const auto& [key, value] : load({}, {}, file).origin)
        EXPECT_EQ(value.source, "default") << key;
    write_file(uncommented.str());
    const LoadedSettings loaded = load({}, {}, file);
    for (const auto& [key, value] : load({}, {}).origin) {
        EXPECT_EQ(loaded.origin.at(key).text, value.text) << key;
        EXPECT_THAT(loaded.origin.at(key).source, HasSubstr("file ")) << key;
    }
}

}  // namespace
}  // namespace peerbook::config
