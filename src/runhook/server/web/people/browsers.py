"""Browsers by the names that people know: `Firefox on Linux`."""

BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Vivaldi": "Vivaldi",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "HeadlessChrome": "Chrome",
    "Chrome": "Chrome",
    "Version": "Safari",
}
"""What a User-Agent has in it, the rarer first: every browser also says what others say."""
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
LONGEST = 60
"""Characters of a name that is none of these."""


def browser_named(user_agent: str) -> str:
    """Name a browser and its system; what is not known is shown as it calls itself.

    It is for people to recognise their own, so a table of every browser would add nothing.
    """
    browser = next((name for word, name in BROWSERS.items() if f"{word}/" in user_agent), None)
    system = next((name for word, name in SYSTEMS.items() if word in user_agent), None)
    if browser is None:
        return user_agent[:LONGEST] or "Unknown browser"
    return f"{browser} on {system}" if system else browser
