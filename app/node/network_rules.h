// From the network file to what the exchange computes with.
#pragma once

#include "base/result.h"
#include "config/network_file.h"
#include "exchange/market/market.h"
#include "exchange/ordering/admission.h"

namespace peerbook::app {

// Errors name the asset or market and what is wrong with it.
Result<exchange::NetworkRules> make_network_rules(const config::NetworkFile& file);

// Who may become a member. Of a normalised file.
exchange::AdmissionPolicy make_admission_policy(const config::NetworkFile& file);

}  // namespace peerbook::app
