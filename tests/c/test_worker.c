/* Lua states in threads: none is left behind, however it ended. What scripts see is tested in tests/lua/threads_spec.lua. */
#include "check.h"
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>

int luaopen_tocha_worker(lua_State *L);

static lua_State *host(void) {
  lua_State *L = luaL_newstate();
  assert_non_null(L);
  luaL_openlibs(L);
  lua_pushcfunction(L, luaopen_tocha_worker);
  assert_int_equal(lua_pcall(L, 0, 1, 0), 0);
  lua_setglobal(L, "worker");
  return L;
}

static void does(lua_State *L, const char *code) {
  if (luaL_dostring(L, code)) fail_msg("%s", lua_tostring(L, -1));
}

static void joins_and_tells_failures(void **state) {
  lua_State *L = host();
  (void) state;
  does(L, "local w = worker.start('x = 1', '=a') assert(w:join() == true and w:join() == true)");
  does(L, "local w = worker.start('error(\"no luck\")', '=a') for i = 1, 2 do local ok, why = w:join()"
          " assert(ok == nil and why:find('a:1: no luck', 1, true) and why:find('traceback', 1, true), why) end");
  does(L, "local ok, why = worker.start('for', '=a'):join() assert(ok == nil and why:find('a:1:', 1, true), why)");
  does(L, "local ok, why = worker.start('error {}', '=a'):join() assert(ok == nil and type(why) == 'string')");
  does(L, "local w = worker.start('assert(x == nil)\\0 this is no code', '=a') assert(w:join() == nil)");
  lua_close(L);
}

static void ends_what_nobody_joined(void **state) {
  lua_State *L = host();
  (void) state;
  does(L, "ended = 0 for i = 1, 8 do worker.start('local s = 0 for i = 1, 1e5 do s = s + i end', '=a',"
          " function() ended = ended + 1 end) end collectgarbage() collectgarbage() assert(ended == 8, ended)");
  does(L, "worker.start('x = 1', '=a', function() error 'in the ending' end) collectgarbage() collectgarbage()");
  does(L, "kept = worker.start('x = 1', '=a', function() ended = 9 end)");
  lua_close(L); /* collects the last */
}

static void refuses_what_is_no_handle(void **state) {
  lua_State *L = host();
  (void) state;
  does(L, "local w = worker.start('x = 1', '=a') assert(not pcall(w.join)) assert(not pcall(w.join, io.stdout))"
          " assert(not pcall(w.join, 1)) assert(not pcall(worker.start)) assert(not pcall(worker.start, {}, '=a'))"
          " assert(not pcall(worker.start, 'x = 1'))");
  does(L, "local w = worker.start('x = 1', '=a') local gc = getmetatable(w).__gc gc(w) gc(w) assert(w:join() == true)");
  lua_close(L);
}

static void *starts_its_own(void *seen) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  lua_pushcfunction(L, luaopen_tocha_worker);
  *(int *) seen = lua_pcall(L, 0, 1, 0);
  lua_setglobal(L, "worker");
  if (*(int *) seen == 0)
    *(int *) seen = luaL_dostring(L, "for i = 1, 20 do assert(worker.start('x = ' .. i, '=a'):join()) end");
  lua_close(L);
  return NULL;
}

static void states_of_several_threads_start_workers(void **state) {
  pthread_t thread[4];
  int seen[4];
  (void) state;
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, starts_its_own, &seen[i]), 0);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  for (int i = 0; i < 4; i++) assert_int_equal(seen[i], 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(joins_and_tells_failures),
      cmocka_unit_test(ends_what_nobody_joined),
      cmocka_unit_test(refuses_what_is_no_handle),
      cmocka_unit_test(states_of_several_threads_start_workers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
