"""The checks of the sources catch what they are for: each gets a small bad tree and must name file and line."""

import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run_check(check, files):
    """Runs scripts/<check> on a tree made of {path: text}; returns (exit code, output)."""
    with tempfile.TemporaryDirectory() as directory:
        for path, text in files.items():
            full = os.path.join(directory, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([os.path.join(ROOT, "scripts", check), directory], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout


class CheckCase(unittest.TestCase):
    def assert_caught(self, check, path, text, line):
        code, output = run_check(check, {path: text})
        self.assertEqual(code, 1, f"{check} passed {path}:\n{text}\n{output}")
        self.assertIn(f"{path}:{line}: ", output)

    def assert_passed(self, check, path, text):
        code, output = run_check(check, {path: text})
        self.assertEqual(code, 0, f"{check} refused {path}:\n{text}\n{output}")


class CheckLayers(CheckCase):
    def test_catches_each_forbidden_arrow(self):
        layers = ("exchange", "p2p", "storage", "config")
        for layer in layers:
            for other in ("app", "tests") + tuple(name for name in layers if name != layer):
                with self.subTest(layer=layer, other=other):
                    self.assert_caught("check_layers", f"{layer}/a.cc", f'\n#include "{other}/b.h"\n', 2)
            with self.subTest(layer=layer):
                self.assert_caught("check_layers", "base/a.h", f'#include "{layer}/b.h"\n', 1)

    def test_catches_a_path_around_the_root(self):
        self.assert_caught("check_layers", "exchange/book/a.cc", '#include "../../p2p/b.h"\n', 1)
        self.assert_caught("check_layers", "exchange/book/a.cc", '#include "b.h"\n', 1)
        self.assert_caught("check_layers", "exchange/book/a.cc", "#include <p2p/b.h>\n", 1)

    def test_catches_third_parties_outside_their_adapter(self):
        for path, header in (("exchange/a.cc", "boost/asio.hpp"), ("p2p/peers/a.cc", "boost/asio.hpp"),
                             ("storage/journal.cc", "leveldb/db.h"), ("app/node/a.cc", "openssl/ssl.h"),
                             ("p2p/transport/a.cc", "sodium.h"), ("app/a.cc", "toml++/toml.h"),
                             ("exchange/engine/a.cc", "boost/multiprecision/cpp_int.hpp"),
                             ("exchange/a.cc", "rapidjson/document.h"), ("p2p/peers/peer_manager.cc", "rapidjson/document.h"), ("app/a.cc", "spdlog/spdlog.h"),
                             ("app/api/a.cc", "CLI/CLI.hpp"), ("base/a.cc", "gtest/gtest.h")):
            with self.subTest(path=path, header=header):
                self.assert_caught("check_layers", path, f"// one\n#include <{header}>\n", 2)

    def test_passes_what_the_layers_allow(self):
        self.assert_passed("check_layers", "app/node/a.cc",
                           '#include <vector>\n#include "base/a.h"\n#include "exchange/b.h"\n#include "p2p/c.h"\n')
        self.assert_passed("check_layers", "exchange/market/decimal.cc", "#include <boost/multiprecision/cpp_int.hpp>\n")
        self.assert_passed("check_layers", "tests/unit/a.cc", '#include <gtest/gtest.h>\n#include "app/a.h"\n')
        self.assert_passed("check_layers", "base/a.h", '// #include "app/a.h"\n')

    def test_refuses_an_empty_tree(self):
        code, output = run_check("check_layers", {"README.md": ""})
        self.assertEqual(code, 1)
        self.assertIn("found no C++ files", output)


class CheckDeterminism(CheckCase):
    BAD_LINES = (
        "auto now = std::chrono::steady_clock::now();", "auto now = std::chrono::system_clock::now();",
        "const Now now = SystemClock().now();", "const MonoTime now = mono_now();",
        "auto now = time(nullptr);", "auto now = std::time(0);", "clock_gettime(CLOCK_MONOTONIC, &at);",
        "int die = rand() % 6;", "std::srand(1);", "std::random_device device;", "std::mt19937 generator(1);",
        "std::shuffle(a.begin(), a.end(), generator);", "std::uniform_int_distribution<int> die(1, 6);",
        'const char* home = std::getenv("HOME");', "std::thread worker(run);", "std::mutex mutex_;",
        "std::lock_guard lock(mutex_);", "thread_local int depth = 0;", "double price = 0;", "float share = 0;",
        "#include <chrono>", "#include <thread>", "#include <random>", "#include <fstream>", "#include <unistd.h>",
        "std::ifstream file(path);", "fill_with_system_random(seed);", "options.seed = system_random_word();",
        "std::uint64_t seed{system_random_word()};", "std::hash<Order*> by_address;",
    )

    def test_catches_each_thing_that_is_not_an_input(self):
        for path in ("exchange/engine/a.cc", "p2p/peers/a.h", "app/node/node.cc", "base/codec.cc"):
            with self.subTest(path=path):
                self.assert_caught("check_determinism", path, "int a;\n\nauto now = steady_clock::now();\n", 3)
        for line in self.BAD_LINES:
            with self.subTest(line=line):
                self.assert_caught("check_determinism", "exchange/a.cc", f"// what\n{line}\n", 2)

    def test_catches_iteration_over_unordered_containers(self):
        declaration = "std::unordered_map<Key, std::vector<Value>, Hash> orders_;\n"
        for loop in ("for (const auto& [key, value] : orders_) use(key);", "for (auto& entry : this->orders_) {",
                     "for (auto at = orders_.begin(); at != orders_.end(); ++at) {"):
            with self.subTest(loop=loop):
                self.assert_caught("check_determinism", "exchange/a.cc", f"{declaration}{loop}\n", 2)
        with self.subTest("declared in another file of the folder"):
            code, output = run_check("check_determinism",
                                     {"p2p/peers/a.h": declaration, "p2p/peers/a.cc": "\nfor (auto& e : orders_) {\n"})
            self.assertEqual(code, 1)
            self.assertIn("p2p/peers/a.cc:2: ", output)

    def test_tells_a_local_from_a_member_of_the_same_name(self):
        member = "struct Page {\n    std::unordered_map<Id, Order> orders;\n};\n"
        code, output = run_check("check_determinism", {
            "app/node/a.h": member, "app/node/a.cc": "const auto orders = list();\nfor (auto& order : orders) use(order);\n"})
        self.assertEqual(code, 0, output)
        code, output = run_check("check_determinism", {"app/node/a.h": member, "app/node/a.cc": "for (auto& o : page.orders) {\n"})
        self.assertEqual(code, 1)
        self.assertIn("app/node/a.cc:1: ", output)

    def test_passes_deterministic_code(self):
        good = ("// a double-ended queue; not time(nullptr), never std::thread\n"
                'auto text = "float";\nstd::unordered_map<Key, Value> index_;\nstd::map<Key, Value> orders_;\n'
                "for (const auto& [key, value] : orders_) use(key);\nauto found = index_.find(key);\n"
                "for (auto& value : index_.at(key)) use(value);\nWallTime time() const;\n"
                "// order does not matter: it only counts\nfor (auto& [key, value] : index_) ++count;\n"
                "auto at = block.time();\n")
        self.assert_passed("check_determinism", "exchange/a.cc", good)

    def test_leaves_adapters_alone(self):
        code, _ = run_check("check_determinism", {"exchange/a.cc": "int a;\n", "p2p/transport/a.cc": "std::mutex m;\n",
                                                  "app/api/a.cc": "#include <thread>\n"})
        self.assertEqual(code, 0)


class Sources(unittest.TestCase):
    def test_the_sources_pass_every_check(self):
        for check in ("check_layers", "check_determinism", "check_sizes"):
            with self.subTest(check=check):
                done = subprocess.run([os.path.join(ROOT, "scripts", check)], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
