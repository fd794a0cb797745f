// Multicast DNS by a responder inside this process (libavahi-core).
//
// Several responders share one machine, so nothing may be announced that two of them would claim: no address
// records of the machine's own name and none in reverse, only <name>.local with a name of this node.
#include <avahi-common/address.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/strlst.h>
#include <avahi-common/watch.h>
#include <avahi-core/core.h>
#include <avahi-core/log.h>
#include <avahi-core/lookup.h>
#include <avahi-core/publish.h>

#include <list>

#include "base/log.h"
#include "p2p/discovery/mdns_backend.h"
#include "p2p/discovery/mdns_library.h"
#include "p2p/peers/ip_address.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

namespace {

constexpr unsigned cache_entries_max = 1024;  // of an interface

// Avahi's own words are of packets that anyone can send.
void log_avahi(AvahiLogLevel, const char* text) {
    log_message(LogLevel::trace, "mdns", printable(text));
}

// The functions of the library; one object for the process.
struct Core {
    decltype(&::avahi_set_log_function) set_log_function;
    decltype(&::avahi_server_config_init) server_config_init;
    decltype(&::avahi_server_config_free) server_config_free;
    decltype(&::avahi_server_new) server_new;
    decltype(&::avahi_server_free) server_free;
    decltype(&::avahi_server_errno) server_errno;
    decltype(&::avahi_server_add_address) server_add_address;
    decltype(&::avahi_server_add_service_strlst) server_add_service;
    decltype(&::avahi_s_entry_group_new) entry_group_new;
    decltype(&::avahi_s_entry_group_commit) entry_group_commit;
    decltype(&::avahi_s_entry_group_free) entry_group_free;
    decltype(&::avahi_s_service_browser_new) browser_new;
    decltype(&::avahi_s_service_browser_free) browser_free;
    decltype(&::avahi_s_service_resolver_prepare) resolver_prepare;
    decltype(&::avahi_s_service_resolver_start) resolver_start;
    decltype(&::avahi_s_service_resolver_free) resolver_free;
};

Result<const Core*> core() {
    static const Result<Core> opened = []() -> Result<Core> {
        auto library = AvahiLibrary::open("libavahi-core.so.7");
        if (!library.ok()) return library.error();
        Core made{};
        (*library)
            .load(made.set_log_function, "avahi_set_log_function")
            .load(made.server_config_init, "avahi_server_config_init")
            .load(made.server_config_free, "avahi_server_config_free")
            .load(made.server_new, "avahi_server_new")
            .load(made.server_free, "avahi_server_free")
            .load(made.server_errno, "avahi_server_errno")
            .load(made.server_add_address, "avahi_server_add_address")
            .load(made.server_add_service, "avahi_server_add_service_strlst")
            .load(made.entry_group_new, "avahi_s_entry_group_new")
            .load(made.entry_group_commit, "avahi_s_entry_group_commit")
            .load(made.entry_group_free, "avahi_s_entry_group_free")
            .load(made.browser_new, "avahi_s_service_browser_new")
            .load(made.browser_free, "avahi_s_service_browser_free")
            .load(made.resolver_prepare, "avahi_s_service_resolver_prepare")
            .load(made.resolver_start, "avahi_s_service_resolver_start")
            .load(made.resolver_free, "avahi_s_service_resolver_free");
        if (Status complete = library->complete(); !complete.ok()) return complete.error();
        return made;
    }();
    if (!opened.ok()) return opened.error();
    return &*opened;
}

class MdnsResponder final : public MdnsBackend {
  public:
    MdnsResponder(const Core& avahi, MdnsSettings settings, Resolved resolved)
        : avahi_(avahi),
          settings_(std::move(settings)),
          resolved_(std::move(resolved)),
          name_(settings_.name) {}

    ~MdnsResponder() override {
        for (Lookup& lookup : lookups_)
            avahi_.resolver_free(lookup.resolver);
        if (browser_) avahi_.browser_free(browser_);
        if (group_) avahi_.entry_group_free(group_);
        if (server_) avahi_.server_free(server_);
    }

    Status open(const AvahiPoll* poll) {
        avahi_.set_log_function(log_avahi);
        AvahiServerConfig config;
        avahi_.server_config_init(&config);
        config.host_name = avahi_strdup(name_.c_str());
        config.publish_hinfo = config.publish_addresses = config.publish_workstation = config.publish_domain =
            0;
        config.enable_wide_area = 0;
        if (is_loopback_host(settings_.listen_host)) config.use_ipv6 = 0;  // no multicast of IPv6 there
        config.publish_a_on_ipv6 = 1;
        config.n_cache_entries_max = cache_entries_max;
        // A node that listens on one address alone is of no use to whoever is reached by another interface.
        if (settings_.listen_host != "0.0.0.0" && settings_.listen_host != "::")
            for (const InterfaceAddress& one : announced_addresses(settings_.listen_host))
                config.allow_interfaces = avahi_string_list_add(config.allow_interfaces, one.name.c_str());
        int error = 0;
        server_ = avahi_.server_new(poll, &config, on_server, this, &error);
        avahi_.server_config_free(&config);
        if (!server_)
            return Error{ErrorCode::unavailable, std::string("no multicast DNS: ") + avahi_strerror(error)};
        return {};
    }

    Status search() override {
        if (Status announced = announce(); !announced.ok()) return announced;
        all_for_now_ = false;
        queue_.clear();
        if (browser_) avahi_.browser_free(browser_);
        browser_ = avahi_.browser_new(server_, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, service_type, nullptr,
                                      AVAHI_LOOKUP_USE_MULTICAST, on_browsed, this);
        return browser_ ? Status() : last_error("cannot browse");
    }

    void after_iteration() override {
        if (!std::exchange(is_collided_, false)) return;
        const auto name = renamed(settings_.name, ++collisions_);
        if (name) name_ = *name;
        const Status again = name ? register_all()
                                  : Status(Error{ErrorCode::unavailable,
                                                 "multicast DNS: others announce every name of this node"});
        if (!again.ok()) failure_ = again.error();
    }

    bool all_for_now() const override { return all_for_now_; }
    const std::optional<Error>& failure() const override { return failure_; }

    void withdraw() override {
        if (group_) avahi_.entry_group_free(group_);
        group_ = nullptr;
    }

  private:
    struct Lookup {
        MdnsResponder* owner = nullptr;
        AvahiSServiceResolver* resolver = nullptr;
        std::list<Lookup>::iterator self;
    };

    Error last_error(const std::string& what) const {
        return {ErrorCode::io,
                "multicast DNS: " + what + ": " + avahi_strerror(avahi_.server_errno(server_))};
    }

    // Anew if the addresses of this machine changed.
    Status announce() {
        if (!settings_.self.broadcast) return {};
        std::vector<InterfaceAddress> addresses = announced_addresses(settings_.listen_host);
        if (group_ && addresses == announced_) return {};
        announced_ = std::move(addresses);
        return register_all();
    }

    Status register_all() {
        withdraw();
        if (announced_.empty()) return {};  // no network yet; the next search looks again
        group_ = avahi_.entry_group_new(server_, on_group, this);
        if (!group_) return last_error("cannot announce");
        AvahiStringList* txt = to_avahi(write_service_txt(settings_.self));
        const std::string host = name_ + ".local";
        int error = 0, last_interface = 0;
        for (const InterfaceAddress& one : announced_) {
            AvahiAddress address;
            if (!avahi_address_parse(one.address.c_str(), AVAHI_PROTO_UNSPEC, &address)) continue;
            if (error >= 0)
                error = avahi_.server_add_address(server_, group_, one.interface, AVAHI_PROTO_UNSPEC,
                                                  AVAHI_PUBLISH_NO_REVERSE, host.c_str(), &address);
            // Ordered by interface, of which each has the service once.
            if (error >= 0 && one.interface != std::exchange(last_interface, one.interface))
                error = avahi_.server_add_service(server_, group_, one.interface, AVAHI_PROTO_UNSPEC,
                                                  AvahiPublishFlags{}, name_.c_str(), service_type, nullptr,
                                                  host.c_str(), settings_.self.port, txt);
        }
        avahi_string_list_free(txt);
        if (error >= 0) error = avahi_.entry_group_commit(group_);
        if (error >= 0) return {};
        withdraw();
        return Error{ErrorCode::io, std::string("multicast DNS: cannot announce: ") + avahi_strerror(error)};
    }

    static void on_server(AvahiServer* server, AvahiServerState state, void* self) {
        if (state != AVAHI_SERVER_FAILURE) return;
        static_cast<MdnsResponder*>(self)->failure_ =
            Error{ErrorCode::io,
                  std::string("multicast DNS failed: ") +
                      avahi_strerror(static_cast<MdnsResponder*>(self)->avahi_.server_errno(server))};
    }

    static void on_group(AvahiServer*, AvahiSEntryGroup*, AvahiEntryGroupState state, void* self) {
        auto& me = *static_cast<MdnsResponder*>(self);
        if (state == AVAHI_ENTRY_GROUP_FAILURE) {
            me.failure_ = me.last_error("announcing failed");
        } else if (state == AVAHI_ENTRY_GROUP_COLLISION) {
            me.is_collided_ = true;  // in its own callback the group must not be freed
        }
    }

    static void on_browsed(AvahiSServiceBrowser*, AvahiIfIndex interface, AvahiProtocol protocol,
                           AvahiBrowserEvent event, const char* name, const char* type, const char* domain,
                           AvahiLookupResultFlags, void* self) {
        auto& me = *static_cast<MdnsResponder*>(self);
        if (event == AVAHI_BROWSER_ALL_FOR_NOW) me.all_for_now_ = true;
        if (event == AVAHI_BROWSER_FAILURE) me.failure_ = me.last_error("browsing failed");
        if (event != AVAHI_BROWSER_NEW) return;
        (void)me.queue_.push({interface, protocol, name, type, domain});
        me.look_up();
    }

    void look_up() {
        while (auto service = queue_.begin()) {
            Lookup& lookup = lookups_.emplace_back();
            lookup.owner = this;
            lookup.self = std::prev(lookups_.end());
            lookup.resolver =
                avahi_.resolver_prepare(server_, service->interface, service->protocol, service->name.c_str(),
                                        service->type.c_str(), service->domain.c_str(), AVAHI_PROTO_UNSPEC,
                                        AVAHI_LOOKUP_USE_MULTICAST, on_resolved, &lookup);
            if (lookup.resolver) {
                avahi_.resolver_start(lookup.resolver);
                continue;
            }
            lookups_.pop_back();
            queue_.ended();
        }
    }

    static void on_resolved(AvahiSServiceResolver* resolver, AvahiIfIndex interface, AvahiProtocol,
                            AvahiResolverEvent event, const char*, const char*, const char*, const char*,
                            const AvahiAddress* address, std::uint16_t port, AvahiStringList* txt,
                            AvahiLookupResultFlags, void* userdata) {
        auto& lookup = *static_cast<Lookup*>(userdata);
        MdnsResponder& me = *lookup.owner;
        if (event == AVAHI_RESOLVER_FOUND && address) {
            char text[AVAHI_ADDRESS_STR_MAX] = {};
            avahi_address_snprint(text, sizeof text, address);
            me.resolved_({text, port, is_loopback_interface(interface), from_avahi(txt)});
        }
        me.avahi_.resolver_free(resolver);
        me.lookups_.erase(lookup.self);
        me.queue_.ended();
        me.look_up();
    }

    const Core& avahi_;
    MdnsSettings settings_;
    Resolved resolved_;
    std::string name_;
    int collisions_ = 0;
    bool is_collided_ = false;
    AvahiServer* server_ = nullptr;
    AvahiSEntryGroup* group_ = nullptr;
    AvahiSServiceBrowser* browser_ = nullptr;
    std::vector<InterfaceAddress> announced_;
    ServiceQueue queue_;
    std::list<Lookup> lookups_;
    bool all_for_now_ = false;
    std::optional<Error> failure_;
};

}  // namespace

Result<std::unique_ptr<MdnsBackend>> open_mdns_responder(const AvahiPoll* poll, const MdnsSettings& settings,
                                                         MdnsBackend::Resolved resolved) {
    const auto library = core();
    if (!library.ok()) return library.error();
    auto responder = std::make_unique<MdnsResponder>(**library, settings, std::move(resolved));
    if (Status opened = responder->open(poll); !opened.ok()) return opened.error();
    return std::unique_ptr<MdnsBackend>(std::move(responder));
}

}  // namespace peerbook::p2p
