--- `require 'threads.threads'` for programs written for Torch7: the class of pools.
-- @module threads.threads
return require('threads').Threads
