#include "app/node/requests.h"

namespace peerbook::app {

const char* to_string(Grade grade) {
    switch (grade) {
        case Grade::provisional:
            return "provisional";
        case Grade::settled:
            return "settled";
        case Grade::attested:
            return "attested";
        case Grade::retracted:
            return "retracted";
    }
    return "unknown";
}

const char* to_string(Retraction why) {
    switch (why) {
        case Retraction::late_block:
            return "late_block";
        case Retraction::view_end:
            return "view_end";
        case Retraction::two_blocks:
            return "two_blocks";
        case Retraction::ledger_adopted:
            return "ledger_adopted";
    }
    return "unknown";
}

const char* to_string(CommandStatus status) {
    switch (status) {
        case CommandStatus::done:
            return "done";
        case CommandStatus::resting:
            return "resting";
        case CommandStatus::partially_filled:
            return "partially_filled";
        case CommandStatus::filled:
            return "filled";
        case CommandStatus::cancelled:
            return "cancelled";
        case CommandStatus::rejected:
            return "rejected";
        case CommandStatus::waiting:
            return "waiting";
    }
    return "unknown";
}

const char* to_string(OrderState state) {
    switch (state) {
        case OrderState::open:
            return "open";
        case OrderState::waiting:
            return "waiting";
        case OrderState::filled:
            return "filled";
        case OrderState::cancelled:
            return "cancelled";
        case OrderState::expired:
            return "expired";
        case OrderState::replaced:
            return "replaced";
    }
    return "unknown";
}

}  // namespace peerbook::app
