// Multicast DNS by avahi-daemon, whose client this process is (libavahi-client, over D-Bus).
//
// The service gets a host of its own, <name>.local, with the addresses that the node listens on: the daemon's
// own host has addresses at which nobody may listen.
#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-client/publish.h>
#include <avahi-common/address.h>
#include <avahi-common/error.h>
#include <avahi-common/strlst.h>
#include <avahi-common/watch.h>

#include <list>

#include "p2p/discovery/mdns_backend.h"
#include "p2p/discovery/mdns_library.h"

namespace peerbook::p2p {

namespace {

// The functions of the library; one object for the process.
struct Client {
    decltype(&::avahi_client_new) client_new;
    decltype(&::avahi_client_free) client_free;
    decltype(&::avahi_client_errno) client_errno;
    decltype(&::avahi_client_get_state) client_get_state;
    decltype(&::avahi_entry_group_new) entry_group_new;
    decltype(&::avahi_entry_group_add_address) entry_group_add_address;
    decltype(&::avahi_entry_group_add_service_strlst) entry_group_add_service;
    decltype(&::avahi_entry_group_commit) entry_group_commit;
    decltype(&::avahi_entry_group_free) entry_group_free;
    decltype(&::avahi_service_browser_new) browser_new;
    decltype(&::avahi_service_browser_free) browser_free;
    decltype(&::avahi_service_resolver_new) resolver_new;
    decltype(&::avahi_service_resolver_free) resolver_free;
};

Result<const Client*> client() {
    static const Result<Client> opened = []() -> Result<Client> {
        auto library = AvahiLibrary::open("libavahi-client.so.3");
        if (!library.ok()) return library.error();
        Client made{};
        (*library)
            .load(made.client_new, "avahi_client_new")
            .load(made.client_free, "avahi_client_free")
            .load(made.client_errno, "avahi_client_errno")
            .load(made.client_get_state, "avahi_client_get_state")
            .load(made.entry_group_new, "avahi_entry_group_new")
            .load(made.entry_group_add_address, "avahi_entry_group_add_address")
            .load(made.entry_group_add_service, "avahi_entry_group_add_service_strlst")
            .load(made.entry_group_commit, "avahi_entry_group_commit")
            .load(made.entry_group_free, "avahi_entry_group_free")
            .load(made.browser_new, "avahi_service_browser_new")
            .load(made.browser_free, "avahi_service_browser_free")
            .load(made.resolver_new, "avahi_service_resolver_new")
            .load(made.resolver_free, "avahi_service_resolver_free");
        if (Status complete = library->complete(); !complete.ok()) return complete.error();
        return made;
    }();
    if (!opened.ok()) return opened.error();
    return &*opened;
}

class MdnsDaemon final : public MdnsBackend {
  public:
    MdnsDaemon(const Client& avahi, MdnsSettings settings, Resolved resolved)
        : avahi_(avahi),
          settings_(std::move(settings)),
          resolved_(std::move(resolved)),
          name_(settings_.name) {}

    ~MdnsDaemon() override {
        // Frees its browsers, resolvers and groups, too.
        if (client_) avahi_.client_free(client_);
    }

    Status open(const AvahiPoll* poll) {
        int error = 0;
        client_ = avahi_.client_new(poll, AvahiClientFlags{}, on_client, this, &error);
        if (client_) return {};
        return Error{ErrorCode::unavailable, std::string("no avahi-daemon: ") + avahi_strerror(error)};
    }

    Status search() override {
        if (Status announced = announce(); !announced.ok()) return announced;
        all_for_now_ = false;
        queue_.clear();
        if (browser_) avahi_.browser_free(browser_);
        browser_ = avahi_.browser_new(client_, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, service_type, nullptr,
                                      AVAHI_LOOKUP_USE_MULTICAST, on_browsed, this);
        return browser_ ? Status() : last_error("cannot browse");
    }

    void after_iteration() override {
        if (std::exchange(is_collided_, false)) {
            const auto name = renamed(settings_.name, ++collisions_);
            if (!name) {
                failure_ =
                    Error{ErrorCode::unavailable, "avahi-daemon: others announce every name of this node"};
                return;
            }
            name_ = *name;
            must_register_ = true;
        }
        if (!must_register_ || failure_) return;
        if (Status again = announce(); !again.ok()) failure_ = again.error();
    }

    bool all_for_now() const override { return all_for_now_; }
    const std::optional<Error>& failure() const override { return failure_; }

    void withdraw() override {
        if (group_) avahi_.entry_group_free(group_);
        group_ = nullptr;
    }

  private:
    struct Lookup {
        MdnsDaemon* owner = nullptr;
        std::list<Lookup>::iterator self;
    };

    Error last_error(const std::string& what) const {
        return {ErrorCode::io, "avahi-daemon: " + what + ": " + avahi_strerror(avahi_.client_errno(client_))};
    }

    // Anew if the addresses of this machine changed, or the daemon forgot.
    Status announce() {
        if (!settings_.self.broadcast || avahi_.client_get_state(client_) != AVAHI_CLIENT_S_RUNNING)
            return {};
        std::vector<InterfaceAddress> addresses = announced_addresses(settings_.listen_host);
        if (group_ && !must_register_ && addresses == announced_) return {};
        must_register_ = false;
        announced_ = std::move(addresses);
        withdraw();
        if (announced_.empty()) return {};  // no network yet; the next search looks again
        group_ = avahi_.entry_group_new(client_, on_group, this);
        if (!group_) return last_error("cannot announce");
        AvahiStringList* txt = to_avahi(write_service_txt(settings_.self));
        const std::string host = name_ + ".local";
        int error = 0, last_interface = 0;
        for (const InterfaceAddress& one : announced_) {
            AvahiAddress address;
            if (!avahi_address_parse(one.address.c_str(), AVAHI_PROTO_UNSPEC, &address)) continue;
            if (error >= 0)
                error = avahi_.entry_group_add_address(group_, one.interface, AVAHI_PROTO_UNSPEC,
                                                       AVAHI_PUBLISH_NO_REVERSE, host.c_str(), &address);
            if (error >= 0 && one.interface != std::exchange(last_interface, one.interface))
                error = avahi_.entry_group_add_service(group_, one.interface, AVAHI_PROTO_UNSPEC,
                                                       AvahiPublishFlags{}, name_.c_str(), service_type,
                                                       nullptr, host.c_str(), settings_.self.port, txt);
        }
        avahi_string_list_free(txt);
        if (error >= 0) error = avahi_.entry_group_commit(group_);
        if (error >= 0) return {};
        const Error failure{ErrorCode::io,
                            std::string("avahi-daemon: cannot announce: ") + avahi_strerror(error)};
        withdraw();
        return failure;
    }

    static void on_client(AvahiClient* client, AvahiClientState state, void* self) {
        auto& me = *static_cast<MdnsDaemon*>(self);
        if (state == AVAHI_CLIENT_FAILURE)
            me.failure_ = Error{ErrorCode::unavailable, std::string("avahi-daemon: ") +
                                                            avahi_strerror(me.avahi_.client_errno(client))};
        // Its host name is being settled, after which it has to be told again.
        if (state == AVAHI_CLIENT_S_REGISTERING || state == AVAHI_CLIENT_S_COLLISION)
            me.must_register_ = true;
    }

    static void on_group(AvahiEntryGroup*, AvahiEntryGroupState state, void* self) {
        auto& me = *static_cast<MdnsDaemon*>(self);
        if (state == AVAHI_ENTRY_GROUP_COLLISION) me.is_collided_ = true;
        if (state == AVAHI_ENTRY_GROUP_FAILURE) me.failure_ = me.last_error("announcing failed");
    }

    static void on_browsed(AvahiServiceBrowser*, AvahiIfIndex interface, AvahiProtocol protocol,
                           AvahiBrowserEvent event, const char* name, const char* type, const char* domain,
                           AvahiLookupResultFlags, void* self) {
        auto& me = *static_cast<MdnsDaemon*>(self);
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
            if (avahi_.resolver_new(client_, service->interface, service->protocol, service->name.c_str(),
                                    service->type.c_str(), service->domain.c_str(), AVAHI_PROTO_UNSPEC,
                                    AVAHI_LOOKUP_USE_MULTICAST, on_resolved, &lookup))
                continue;
            lookups_.pop_back();
            queue_.ended();
        }
    }

    static void on_resolved(AvahiServiceResolver* resolver, AvahiIfIndex interface, AvahiProtocol,
                            AvahiResolverEvent event, const char*, const char*, const char*, const char*,
                            const AvahiAddress* address, std::uint16_t port, AvahiStringList* txt,
                            AvahiLookupResultFlags, void* userdata) {
        auto& lookup = *static_cast<Lookup*>(userdata);
        MdnsDaemon& me = *lookup.owner;
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

    const Client& avahi_;
    MdnsSettings settings_;
    Resolved resolved_;
    std::string name_;
    int collisions_ = 0;
    bool is_collided_ = false, must_register_ = false;
    AvahiClient* client_ = nullptr;
    AvahiEntryGroup* group_ = nullptr;
    AvahiServiceBrowser* browser_ = nullptr;
    std::vector<InterfaceAddress> announced_;
    ServiceQueue queue_;
    std::list<Lookup> lookups_;
    bool all_for_now_ = false;
    std::optional<Error> failure_;
};

}  // namespace

Result<std::unique_ptr<MdnsBackend>> open_mdns_daemon(const AvahiPoll* poll, const MdnsSettings& settings,
                                                      MdnsBackend::Resolved resolved) {
    const auto library = client();
    if (!library.ok()) return library.error();
    auto daemon = std::make_unique<MdnsDaemon>(**library, settings, std::move(resolved));
    if (Status opened = daemon->open(poll); !opened.ok()) return opened.error();
    return std::unique_ptr<MdnsBackend>(std::move(daemon));
}

}  // namespace peerbook::p2p
