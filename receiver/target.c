#include "target.h"

#define SESSIONS "/s/"

otk_string otk_target_path(const char *target, otk_string *session)
{
    const char *path = target;
    const char *authority = *target == '/' ? NULL : strstr(target, "://");
    otk_string name = {0};
    if (authority)
        path = authority + 3 + strcspn(authority + 3, "/?#");
    if (strncmp(path, SESSIONS, sizeof SESSIONS - 1) == 0) {
        path += sizeof SESSIONS - 1;
        name = (otk_string){path, strcspn(path, "/?#")};
        path += name.size;
    }
    if (session)
        *session = name;
    return (otk_string){path, strcspn(path, "?#")};
}

bool otk_is_session_name(const char *name, size_t size)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    for (size_t i = 0; i < size; i++)
        if (!name[i] || !strchr(letters, name[i]))
            return false;
    return size && size <= OTK_SESSION_NAME_MAX;
}
