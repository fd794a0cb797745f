// EffectRunner's logic thread: runs the Node and hands out its effects.
#include <unistd.h>

#include <cstdio>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "app/node/effect_runner.h"
#include "base/check.h"
#include "base/log.h"

namespace peerbook::app {

void EffectRunner::run_logic() {
    std::vector<Input> batch;
    std::optional<MonoTime> wake = clock_.now().mono;
    while (inputs_.take_all(batch, wake)) {
        Effects effects;
        const Now now = clock_.now();
        for (Input& input : batch)
            input(*node_, now, effects);
        node_->flush(now, effects);
        write_queue_.pass(effects, now.mono);
        wake = effects.wake_at;
        const bool done = drained_ && node_->idle();
        perform(std::move(effects));
        if (done) boost::asio::post(io_, std::exchange(drained_, nullptr));
    }
    appends_.put_all(write_queue_.take());
}

void EffectRunner::retire_key(const std::string& why) {
    std::FILE* file = std::fopen(retired_key_file_.c_str(), "w");
    const bool written =
        file && std::fputs(why.c_str(), file) >= 0 && std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
    if (file) std::fclose(file);
    fatal({ErrorCode::conflict,
           why + (written ? "" : " (and " + retired_key_file_ + " could not be written)")});
}

// What was accepted so far may still be on its way to the journal, which is archived after this process's
// threads have ended.
void EffectRunner::give_up_ledger(Effects& effects) {
    PB_CHECK(note_given_up_ && on_given_up_, "a ledger is given up where it can be archived");
    auto archive = note_given_up_(*effects.adopt);
    if (!archive.ok()) return fatal(archive.error().within("the ledger is not given up"));
    effects.adopt->archive = *archive;
    effects.answers.push_back({effects.adopt_ticket, Result<Answer>(Answer(*effects.adopt))});
    boost::asio::post(io_, [this] { on_given_up_(); });
}

void EffectRunner::perform(Effects effects) {
    if (effects.retire_key) retire_key(*effects.retire_key);
    if (effects.adopt) give_up_ledger(effects);
    if (effects.view) {
        std::lock_guard lock(view_mutex_);
        view_ = std::move(effects.view);
    }
    appends_.put_all(std::move(effects.appends));
    std::vector<StoreTask> tasks;
    for (auto& write : effects.index_writes)
        tasks.emplace_back(std::move(write));
    for (auto& read : effects.index_reads)
        tasks.emplace_back(std::move(read));
    for (auto& read : effects.read_missing)
        tasks.emplace_back(std::move(read));
    for (auto& read : effects.read_block)
        tasks.emplace_back(std::move(read));
    if (effects.state_root) tasks.emplace_back(std::move(*effects.state_root));
    store_tasks_.put_all(std::move(tasks));
    for (const LogEffect& log : effects.logs)
        log_message(log.warning ? LogLevel::warn : LogLevel::info, "node", log.text);
    if (effects.sends.empty() && effects.sealed.empty() && effects.broadcasts.empty() &&
        effects.answers.empty() && effects.violations.empty() && effects.gossips.empty() &&
        effects.gossip_answers.empty() && !effects.nodes_apart && !effects.rules && !effects.ledger)
        return;
    boost::asio::post(
        io_, [this, effects = std::make_shared<Effects>(std::move(effects))] { perform_on_io(*effects); });
}

}  // namespace peerbook::app
