// The whole program from its arguments to its exit code, against a scripted node.
#include "app/cli/program.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "app/cli/client.h"
#include "app/cli/json_text.h"
#include "config/network_file.h"
#include "tests/unit/cli/scripted_server.h"

namespace peerbook::app::cli {
namespace {

using app::testing::Connection;
using app::testing::http_answer;
using app::testing::ScriptedServer;

class Program : public ::testing::Test {
  protected:
    Program() {
        std::string name = (std::filesystem::temp_directory_path() / "peerbook-cli-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        dir_ = name;
        std::ofstream(dir_ + "/cookie") << "c00c1e\n";
        ::unsetenv("PEERBOOK_NODE");
        ::unsetenv("PEERBOOK_DATA_DIR");
    }
    ~Program() override { std::filesystem::remove_all(dir_); }

    struct Ran {
        int exit;
        std::string out, err;
    };
    Ran run(std::vector<std::string> words) {
        words.insert(words.begin(), "peerbook");
        std::vector<const char*> argv;
        for (const std::string& word : words)
            argv.push_back(word.c_str());
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        const int exit = run_program(static_cast<int>(argv.size()), argv.data());
        return {exit, ::testing::internal::GetCapturedStdout(), ::testing::internal::GetCapturedStderr()};
    }
    Ran run_against(const ScriptedServer& server, std::vector<std::string> words) {
        words.insert(words.end(), {"--data-dir", dir_, "--node", server.url()});
        return run(words);
    }
    // A node that gives one answer and keeps what it was asked.
    ScriptedServer node_that_says(int status, const std::string& body) {
        return ScriptedServer({[this, status, body](Connection& c) {
            request_ = c.read_request();
            c.write(http_answer(status, body));
            c.wait_for_close();
        }});
    }

    std::string dir_;
    std::string request_;
};

TEST_F(Program, SendsAnOrderAndPrintsTheNodesAnswerAsItIs) {
    const std::string answer = R"({"order_id":"aa","status":"resting"})";
    ScriptedServer node = node_that_says(200, answer);
    const Ran ran =
        run_against(node, {"order", "buy", "BTC-USD", "0.5", "@", "60000", "--tif", "ioc", "--json"});
    node.accepted();
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(ran.out, answer + "\n");
    EXPECT_EQ(request_.substr(0, request_.find("\r\n")), "POST /api/v1/orders HTTP/1.1");
    EXPECT_NE(request_.find("Authorization: Bearer c00c1e\r\n"), std::string::npos);
    EXPECT_NE(request_.find(R"("quantity":"0.5","price":"60000","time_in_force":"ioc"})"), std::string::npos)
        << request_;
}

TEST_F(Program, RejectedOrderEndsWithOne) {
    const std::string answer =
        R"({"code":"rejected","order_id":"aa","status":"rejected","message":"The account does not own enough."})";
    {
        ScriptedServer node = node_that_says(422, answer);
        const Ran ran = run_against(node, {"order", "sell", "BTC-USD", "1", "2", "--json"});
        EXPECT_EQ(ran.exit, 1);
        EXPECT_EQ(ran.out, answer + "\n");
    }
    ScriptedServer node = node_that_says(422, answer);
    const Ran ran = run_against(node, {"order", "sell", "BTC-USD", "1", "2"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err, "peerbook: The account does not own enough.\n");
}

TEST_F(Program, DrawsAnswersForPeople) {
    ScriptedServer node = node_that_says(200, R"({"trades":[]})");
    const Ran ran = run_against(node, {"trades"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "No trades.\n");
}

TEST_F(Program, FindsTheNodeByItsDataDirectory) {
    ScriptedServer node = node_that_says(200, R"({"orders":[]})");
    std::ofstream(dir_ + "/api.address") << node.url().substr(7) << "\n";
    const Ran ran = run({"orders", "--account", "alice", "--data-dir", dir_});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    node.accepted();
    EXPECT_EQ(request_.substr(0, request_.find("\r\n")), "GET /api/v1/orders?account=alice HTTP/1.1");
}

TEST_F(Program, SaysThatNoNodeAnswersAndWhereItLooked) {
    std::string address;
    {
        ScriptedServer gone({});
        address = gone.url().substr(7);
    }
    std::ofstream(dir_ + "/api.address") << address;
    const Ran plain = run({"status", "--data-dir", dir_});
    EXPECT_EQ(plain.exit, 3);
    EXPECT_EQ(plain.err, "peerbook: cannot reach a node at " + address +
                             ": connection refused (address from " + dir_ +
                             "/api.address). Start one with `peerbook node`, or name it with --node\n");
    const Ran json = run({"status", "--data-dir", dir_, "--json"});
    EXPECT_EQ(json.exit, 3);
    const auto object = parse_json(json.out);
    ASSERT_TRUE(object.ok()) << json.out;
    EXPECT_EQ(text_at(*object, "code"), "unavailable");
}

TEST_F(Program, KeepsTheCookieOnThisMachine) {
    for (const char* url : {"http://elsewhere.example:8080", "http://192.0.2.1", "127.0.0.1.example:80",
                            "http://[2001:db8::1]:80"}) {
        const Ran ran = run({"status", "--data-dir", dir_, "--node", url});
        EXPECT_EQ(ran.exit, 2) << url;
        EXPECT_NE(ran.err.find("--cookie-file"), std::string::npos) << ran.err;
        EXPECT_EQ(run({"replay", "flow.csv", "--data-dir", dir_, "--node", url}).err, ran.err);
    }
    ::setenv("PEERBOOK_NODE", "http://elsewhere.example", 1);
    const Ran ran = run({"status", "--data-dir", dir_, "--json"});
    ::unsetenv("PEERBOOK_NODE");
    EXPECT_EQ(ran.exit, 2);
    EXPECT_NE(ran.out.find("no_cookie"), std::string::npos) << ran.out;
}

TEST_F(Program, SendsTheCookieWhereItBelongs) {
    const auto cookie_for = [this](const ClientOptions& options) {
        return find_node(options, {}).cookie_path;
    };
    const std::string own = dir_ + "/cookie";
    EXPECT_EQ(cookie_for({"", dir_, "", 1, false}), own);
    EXPECT_EQ(cookie_for({"http://127.0.0.1:9", dir_, "", 1, false}), own);
    EXPECT_EQ(cookie_for({"http://127.1.2.3:9", dir_, "", 1, false}), own);
    EXPECT_EQ(cookie_for({"localhost:9", dir_, "", 1, false}), own);
    EXPECT_EQ(cookie_for({"http://[::1]:9", dir_, "", 1, false}), own);
    EXPECT_EQ(cookie_for({"http://192.0.2.1:9", dir_, "", 1, false}), "");
    EXPECT_EQ(cookie_for({"http://192.0.2.1:9", dir_, "/its/cookie", 1, false}), "/its/cookie");
    std::ofstream(dir_ + "/api.address") << "192.0.2.1:8080\n";
    EXPECT_EQ(cookie_for({"", dir_, "", 1, false}), own) << "the node itself wrote where it listens";
}

TEST_F(Program, RaisesItsDescriptorLimit) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit low = before;
    low.rlim_cur = std::min<rlim_t>(256, before.rlim_max);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    run({"--version"});
    rlimit after{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(after.rlim_cur, before.rlim_max);
}

TEST_F(Program, SaysWhichCookieIsMissing) {
    std::filesystem::remove(dir_ + "/cookie");
    ScriptedServer node({[](Connection& c) { c.wait_for_close(); }});
    const Ran ran = run_against(node, {"status"});
    EXPECT_EQ(ran.exit, 4);
    EXPECT_NE(ran.err.find(dir_ + "/cookie"), std::string::npos) << ran.err;
}

TEST_F(Program, SaysWhichCookieWasWrong) {
    ScriptedServer node = node_that_says(401, R"({"code":"unauthorized","message":"wrong cookie"})");
    const Ran ran = run_against(node, {"status"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_NE(ran.err.find("wrong cookie. The cookie was read from " + dir_ + "/cookie"), std::string::npos)
        << ran.err;
}

TEST_F(Program, WrongUsageEndsWithTwoAndSendsNothing) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{},
                                               {"ordr"},
                                               {"order"},
                                               {"order", "buy"},
                                               {"order", "buy", "BTC-USD", "1"},
                                               {"order", "buy", "BTC-USD", "1", "2", "--tif", "never"},
                                               {"book"},
                                               {"cancel"},
                                               {"status", "--no-such-flag"},
                                               {"status", "--node", "https://x"},
                                               {"keys"},
                                               {"replay"},
                                               {"replay", "x.csv", "--generate", "-"},
                                               {"bench", "--workload", "none", "--commands", "1000"},
                                               {"config", "check", "--api-port", "70000"}}) {
        EXPECT_EQ(run(words).exit, 2) << ::testing::PrintToString(words);
    }
    EXPECT_NE(run({"ordr"}).err.find("did you mean 'order'?"), std::string::npos);
    const Ran json = run({"order", "buy", "--json"});
    const auto object = parse_json(json.out);
    ASSERT_TRUE(object.ok()) << json.out;
    EXPECT_EQ(text_at(*object, "code"), "usage");
}

TEST_F(Program, HelpAndVersionEndWell) {
    const Ran help = run({"--help"});
    EXPECT_EQ(help.exit, 0);
    EXPECT_NE(help.out.find("Exit codes: 0 done"), std::string::npos);
    const Ran version = run({"--version"});
    EXPECT_EQ(version.exit, 0);
    EXPECT_EQ(version.out.substr(0, 9), "peerbook ");
}

TEST_F(Program, InitMakesAKeyOnceAndNeverShowsTheSeed) {
    const std::string data = dir_ + "/data";
    const auto first = parse_json(run({"init", "--data-dir", data, "--json"}).out);
    const auto second = parse_json(run({"init", "--data-dir", data, "--json"}).out);
    ASSERT_TRUE(first.ok());
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(text_at(*first, "created"), "true");
    EXPECT_EQ(text_at(*second, "created"), "false");
    EXPECT_EQ(text_at(*first, "node_id").size(), 64U);
    EXPECT_EQ(text_at(*first, "node_id"), text_at(*second, "node_id"));
    EXPECT_EQ(text_at(*first, "data_dir"), data);

    std::string seed;
    std::ifstream(data + "/node.key") >> seed;
    EXPECT_EQ(seed.size(), 64U);
    EXPECT_EQ(run({"keys", "show", "--data-dir", data}).out.find(seed), std::string::npos);
    EXPECT_EQ(run({"keys", "export", "--data-dir", data}).out, seed + "\n");
}

TEST_F(Program, ImportedKeyIsTheExportedOneAndReplacesNone) {
    const std::string from = dir_ + "/from";
    const std::string to = dir_ + "/to";
    run({"init", "--data-dir", from});
    std::ofstream(dir_ + "/backup") << run({"keys", "export", "--data-dir", from}).out;
    EXPECT_EQ(run({"keys", "import", dir_ + "/backup", "--data-dir", to}).exit, 0);
    EXPECT_EQ(run({"keys", "export", "--data-dir", to}).out, run({"keys", "export", "--data-dir", from}).out);
    EXPECT_EQ(run({"keys", "import", dir_ + "/backup", "--data-dir", to}).exit, 4);
    std::ofstream(dir_ + "/nonsense") << "secret words";
    const Ran ran = run({"keys", "import", dir_ + "/nonsense", "--data-dir", dir_ + "/other"});
    EXPECT_EQ(ran.exit, 2);
    EXPECT_EQ(ran.err.find("secret"), std::string::npos);
    const Ran bank = run({"keys", "account", "bank", "--data-dir", to});
    EXPECT_EQ(bank.exit, 0) << bank.err;
    EXPECT_EQ(bank.out.size(), 65U);
    EXPECT_EQ(run({"keys", "account", "bank", "--data-dir", from}).out, bank.out) << "it is the same key";
    EXPECT_EQ(run({"keys", "account", "The Bank", "--data-dir", from}).exit, 2);
    EXPECT_EQ(run({"keys", "show", "--data-dir", dir_ + "/none"}).exit, 4);
}

TEST_F(Program, InitRemembersAGoodNetworkFileAndRefusesABadOne) {
    const std::string network = dir_ + "/network.toml";
    std::ofstream(network) << "nonsense = true\n";
    EXPECT_NE(run({"init", "--data-dir", dir_ + "/a", "--network", network}).exit, 0);
    EXPECT_FALSE(std::filesystem::exists(dir_ + "/a/peerbook.toml"));

    std::ofstream(network) << config::to_toml(config::demo_network());
    EXPECT_EQ(run({"init", "--data-dir", dir_ + "/a", "--network", network}).exit, 0);
    EXPECT_EQ(run({"init", "--data-dir", dir_ + "/a", "--network", network}).exit, 0);
    const auto shown = parse_json(run({"config", "show", "--data-dir", dir_ + "/a", "--json"}).out);
    ASSERT_TRUE(shown.ok());
    const auto* settings = object_at(*shown, "settings");
    ASSERT_NE(settings, nullptr);
    EXPECT_EQ(text_at(*object_at(*settings, "network"), "value"), network);

    std::ofstream(dir_ + "/a/peerbook.toml") << "[api]\nport = 1\n";
    EXPECT_EQ(run({"init", "--data-dir", dir_ + "/a", "--network", network}).exit, 4);
}

TEST_F(Program, MakesTheFlowThatReplayPlays) {
    const std::string path = dir_ + "/messages.csv";
    const Ran ran = run({"replay", "--generate", path, "--rows", "100", "--seed", "7", "--json"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(ran.out, R"({"file":")" + path + R"(","rows":"100","seed":"7"})" + "\n");
    EXPECT_GT(std::filesystem::file_size(path), 1'000U);
}

TEST_F(Program, BenchMeasuresTheWorkloadThatIsNamed) {
    const Ran ran =
        run({"bench", "--workload", "stock-like", "--commands", "1000", "--rounds", "1", "--json"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    const auto report = parse_json(ran.out);
    ASSERT_TRUE(report.ok()) << ran.out;
    const auto* workloads = array_at(*report, "workloads");
    ASSERT_NE(workloads, nullptr);
    ASSERT_EQ(workloads->Size(), 1U);
    EXPECT_EQ(text_at((*workloads)[0], "name"), "stock-like");
}

TEST_F(Program, ConfigShowsEachValueWithItsSource) {
    const Ran ran = run(
        {"config", "show", "--data-dir", dir_, "--found", "--bootstrap", "a:1", "--bootstrap", "b:2,c:3"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_NE(ran.out.find("a:1,b:2,c:3"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("flag --found"), std::string::npos);
    EXPECT_NE(ran.out.find("default"), std::string::npos);
    ::setenv("PEERBOOK_NODE", "http://127.0.0.1:1", 1);  // of client commands; no unknown setting
    EXPECT_EQ(run({"config", "check", "--data-dir", dir_}).exit, 0);
    ::unsetenv("PEERBOOK_NODE");
}

}  // namespace
}  // namespace peerbook::app::cli
