"""Made-up recordings in every format, and a browser to look at them."""

import pytest

import webdriver
from pages import made


@pytest.fixture(scope="session")
def recording(tmp_path_factory):
    """recording(kind, format, count): the path of a made-up profile, made once."""
    folder = tmp_path_factory.mktemp("recordings")

    def make(kind, form="flamegraph", count=0):
        extension = {"flamegraph": "svg", "folded": "folded", "speedscope": "json"}[form]
        return made(folder / f"{kind}-{count}.{extension}", "make_profile", kind, form, str(count))

    return make


@pytest.fixture(scope="session")
def memory(tmp_path_factory):
    """memory(kind, count): the path of a made-up plot of memory, made once."""
    folder = tmp_path_factory.mktemp("memories")

    def make(kind, count=0):
        return made(folder / f"{kind}-{count}.svg", "make_memory", kind, "plot", str(count))

    return make


@pytest.fixture(scope="session")
def chromium():
    if webdriver.missing():
        pytest.skip(webdriver.missing())
    browser = webdriver.Browser()
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium):
    """Chromium with an empty page, light colours and a window of 1280 × 800."""
    chromium.resize(1280, 800)
    chromium.media(prefers_color_scheme="light", prefers_reduced_motion="reduce")
    chromium.open("about:blank")
    chromium.errors()
    yield chromium
    chromium.devtools("Emulation.setScriptExecutionDisabled", value=False)


def opened(browser, path, fragment):
    """browser, with a page whose script has made itself at home."""
    browser.open(path.as_uri() + fragment)
    browser.wait("return document.querySelector('.app') !== null")
    return browser


@pytest.fixture
def show(browser, recording):
    """show(kind, fragment): opens a flame graph; afterwards no error may be in the console."""
    def show_it(kind="web", fragment="", count=0):
        return opened(browser, recording(kind, count=count), fragment)

    yield show_it
    assert browser.errors() == []


@pytest.fixture
def plot(browser, memory):
    """plot(kind, fragment): opens a plot of memory; afterwards no error may be in the console."""
    def show_it(kind="service", fragment="", count=0):
        return opened(browser, memory(kind, count), fragment)

    yield show_it
    assert browser.errors() == []
