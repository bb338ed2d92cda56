"""One child process, its log, its end."""
