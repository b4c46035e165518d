/* otlpkit/sdk.hpp - <otlpkit/sdk.h> for C++17: what was started ends by itself
 *
 *     #include <otlpkit/sdk.hpp>
 *
 *     int main()
 *     {
 *         otlpkit::sdk sdk;
 *         otlpkit::span span = sdk.tracer("shop").start("checkout");
 *         otlpkit::scope scope(span);
 *         span.set("user.id", "ada").set("items", 3);
 *     }
 *
 * The classes hold handles of <otlpkit/sdk.h>, which get() hands out; that
 * header tells of lifetimes, threads and errors. Nothing here throws.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLPKIT_SDK_HPP
#define OTLPKIT_SDK_HPP

#include <exception>
#include <memory>
#include <otlpkit/sdk.h>
#include <string_view>
#include <type_traits>

namespace otlpkit {

namespace detail {
template <auto let_go> struct deleter {
    template <typename T> void operator()(T *handle) const noexcept
    {
        let_go(handle);
    }
};
} // namespace detail

/* What extract and the baggage calls return. */
using context = std::unique_ptr<otk_context, detail::deleter<otk_context_free>>;
using baggage = std::unique_ptr<otk_baggage, detail::deleter<otk_baggage_free>>;

/* The value of a bool, a number, a text, or an otk_value. It points at the text. */
template <typename T> otk_value value(const T &from) noexcept
{
    if constexpr (std::is_same_v<T, otk_value>) {
        return from;
    } else if constexpr (std::is_same_v<T, bool>) {
        return otk_value_bool(from);
    } else if constexpr (std::is_integral_v<T>) {
        return otk_value_int(static_cast<int64_t>(from));
    } else if constexpr (std::is_floating_point_v<T>) {
        return otk_value_double(static_cast<double>(from));
    } else if constexpr (std::is_convertible_v<const T &, const char *>) {
        return otk_value_string(from);
    } else {
        std::string_view text = from;
        otk_value made = otk_value_string("");
        made.as.string_value = {text.data(), text.size()};
        return made;
    }
}

template <typename T> otk_attribute attribute(const char *key, const T &from) noexcept
{
    return otk_attribute_of(key, value(from));
}

/* What OTK_ATTRIBUTES is in C, for any call that takes them:
 *     span.add_event("retry", attributes(attribute("route", "/pay"), attribute("attempt", 2))); */
template <size_t N> class attributes {
public:
    template <typename... Items> explicit attributes(const Items &...items) noexcept : items_{items...}, all_{items_, N}
    {
    }

    attributes(const attributes &) = delete;
    attributes &operator=(const attributes &) = delete;

    operator const otk_attributes *() const noexcept
    {
        return &all_;
    }

private:
    otk_attribute items_[N];
    otk_attributes all_;
};

template <typename... Items> attributes(const Items &...) -> attributes<sizeof...(Items)>;

/* Ends when it goes out of scope, if it has not ended before. */
class span {
public:
    span() noexcept = default;
    explicit span(otk_span *handle) noexcept : handle_(handle)
    {
    }

    template <typename T> span &set(const char *key, const T &from) noexcept
    {
        otk_span_set_value(get(), key, value(from));
        return *this;
    }

    span &add_event(const char *name, const otk_attributes *attributes = nullptr) noexcept
    {
        otk_span_add_event(get(), name, attributes);
        return *this;
    }

    span &add_link(const otk_span_context &linked, const otk_attributes *attributes = nullptr) noexcept
    {
        otk_span_add_link(get(), &linked, attributes);
        return *this;
    }

    span &set_status(otk_status_code code, const char *description = nullptr) noexcept
    {
        otk_span_set_status(get(), code, description);
        return *this;
    }

    /* An event `exception`, and the status ERROR. */
    span &record_error(const std::exception &error, const char *type = nullptr) noexcept
    {
        otk_span_record_error(get(), type, error.what(), nullptr, nullptr);
        return set_status(OTK_STATUS_CODE_ERROR, error.what());
    }

    span &update_name(const char *name) noexcept
    {
        otk_span_update_name(get(), name);
        return *this;
    }

    void end() noexcept
    {
        otk_span_end(get());
    }

    bool is_recording() const noexcept
    {
        return otk_span_is_recording(get());
    }

    const otk_span_context &context() const noexcept
    {
        return *otk_span_get_context(get());
    }

    otk_span *get() const noexcept
    {
        return handle_.get();
    }

private:
    std::unique_ptr<otk_span, detail::deleter<otk_span_free>> handle_;
};

/* A span, or a baggage, that is current in this thread for the length of a block. */
class scope {
public:
    explicit scope(const span &current) noexcept : token_(otk_span_attach(current.get()))
    {
    }

    explicit scope(span &&) = delete; /* it would be freed at once */

    explicit scope(const otk_baggage *current) noexcept : token_(otk_baggage_attach(current))
    {
    }

    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;

    ~scope()
    {
        otk_detach(token_);
    }

private:
    otk_token token_;
};

/* Belongs to its SDK; copies are the same tracer. */
class tracer {
public:
    explicit tracer(otk_tracer *handle) noexcept : handle_(handle)
    {
    }

    /* A child of the thread's current span, and a root where there is none. */
    span start(const char *name) const noexcept
    {
        return span(otk_span_start(handle_, name, nullptr));
    }

    span start(const char *name, const span &parent) const noexcept
    {
        return span(otk_span_start(handle_, name, parent.get()));
    }

    span start(const char *name, const otk_span_options &options) const noexcept
    {
        return span(otk_span_start_with(handle_, name, &options));
    }

    otk_tracer *get() const noexcept
    {
        return handle_;
    }

private:
    otk_tracer *handle_;
};

/* Stops when it goes out of scope, after all its spans. False when it could not
 * start; everything may be called nevertheless. */
class sdk {
public:
    explicit sdk(const otk_sdk_options *options = nullptr, otk_error *error = nullptr) noexcept
        : handle_(otk_sdk_start(options, error))
    {
    }

    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

    otlpkit::tracer tracer(const char *name, const otk_scope_options *options = nullptr) const noexcept
    {
        return otlpkit::tracer(otk_sdk_tracer(get(), name, options));
    }

    int force_flush(unsigned timeout_ms) const noexcept
    {
        return otk_sdk_force_flush(get(), timeout_ms);
    }

    otk_sdk *get() const noexcept
    {
        return handle_.get();
    }

private:
    std::unique_ptr<otk_sdk, detail::deleter<otk_sdk_stop>> handle_;
};

} // namespace otlpkit

#endif
