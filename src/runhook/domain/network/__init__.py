"""Where requests may go, through which proxies, and which client sent one."""
