/* Lua states that run in threads of their own. This is the only C of tocha that includes lua.h; it knows nothing of tensors.
 *
 *     local worker = package.loadlib(path, 'luaopen_tocha_worker')()
 *     local state = worker.start(code, name, ending)   -- runs the chunk in a new state with all libraries; nil and why not
 *     state:join()                             -- waits; true, or nil and the message with its trace
 *
 * A state that nobody joined is waited for when its handle is collected, after ending() was called, which may tell it to end. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HANDLE "tocha.worker"

typedef struct job {
  lua_State *state;
  char *code, *name, *failure; /* failure: the message, NULL if there is no memory for it */
  size_t bytes;
  pthread_t thread;
  bool failed, joined;
} job;

static char *copied(const char *text, size_t bytes) {
  char *copy = malloc(bytes + 1);
  if (copy) {
    memcpy(copy, text, bytes);
    copy[bytes] = 0;
  }
  return copy;
}

/* -- in the thread ------------------------------------------------------------------------------------------------- */

static int with_trace(lua_State *L) {
  lua_getglobal(L, "debug");
  lua_getfield(L, -1, "traceback");
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 2);
  lua_call(L, 2, 1);
  return 1;
}

/* Under lua_cpcall, so that a state without memory ends in a message too. */
static int run(lua_State *L) {
  job *j = lua_touserdata(L, 1);
  luaL_openlibs(L);
  lua_pushcfunction(L, with_trace);
  if (luaL_loadbuffer(L, j->code, j->bytes, j->name) || lua_pcall(L, 0, 0, -2)) lua_error(L);
  return 0;
}

static void *thread_main(void *argument) {
  job *j = argument;
  if (lua_cpcall(j->state, run, j) != 0) {
    const char *message = lua_tostring(j->state, -1);
    if (!message) message = "the error is no string";
    j->failure = copied(message, strlen(message));
    j->failed = true;
  }
  lua_close(j->state);
  j->state = NULL;
  return NULL;
}

/* -- what Lua calls ------------------------------------------------------------------------------------------------ */

static void join(job *j) {
  if (j->joined) return;
  pthread_join(j->thread, NULL);
  j->joined = true;
}

static int worker_join(lua_State *L) {
  job *j = luaL_checkudata(L, 1, HANDLE);
  join(j);
  if (!j->failed) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, j->failure ? j->failure : "not enough memory");
  return 2;
}

static int worker_gc(lua_State *L) {
  job *j = luaL_checkudata(L, 1, HANDLE);
  if (!j->joined) {
    lua_getfenv(L, 1);
    lua_rawgeti(L, -1, 1);
    if (lua_isfunction(L, -1)) lua_pcall(L, 0, 0, 0);
  }
  join(j);
  free(j->code);
  free(j->name);
  free(j->failure);
  j->code = j->name = j->failure = NULL;
  return 0;
}

static int refused(lua_State *L, const char *why) {
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

/* Signals are for the host's threads. */
static int spawn(job *j) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int failed = pthread_create(&j->thread, NULL, thread_main, j);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return failed;
}

static int worker_start(lua_State *L) {
  size_t bytes, length;
  const char *code = luaL_checklstring(L, 1, &bytes), *name = luaL_checklstring(L, 2, &length);
  lua_settop(L, 3);
  job *j = lua_newuserdata(L, sizeof *j);
  memset(j, 0, sizeof *j);
  j->joined = true;
  luaL_getmetatable(L, HANDLE);
  lua_setmetatable(L, -2);
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 3);
  lua_rawseti(L, -2, 1);
  lua_setfenv(L, -2);
  j->code = copied(code, bytes);
  j->name = copied(name, length);
  j->bytes = bytes;
  j->state = j->code && j->name ? luaL_newstate() : NULL;
  if (!j->state) return refused(L, "there is no memory for another Lua state");
  if (spawn(j)) {
    lua_close(j->state);
    return refused(L, "the system gives no more threads");
  }
  j->joined = false;
  return 1;
}

__attribute__((visibility("default"))) int luaopen_tocha_worker(lua_State *L);
int luaopen_tocha_worker(lua_State *L) {
  luaL_newmetatable(L, HANDLE);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, worker_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, worker_join);
  lua_setfield(L, -2, "join");
  lua_newtable(L);
  lua_pushcfunction(L, worker_start);
  lua_setfield(L, -2, "start");
  return 1;
}
