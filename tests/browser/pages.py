"""What every page is asked: what is in it, and whether it can be read."""

import re
import subprocess
import xml.parsers.expat

import webdriver

# What would hide, break or reorder text.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u202a-\u202e]")

# light(colour), ratio(colour, colour): contrast as WCAG 2 has it.
CONTRAST = """
function light(colour) {
    return colour.match(/[\\d.]+/g).slice(0, 3).map(v => {
        v /= 255;
        return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    }).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
}
function ratio(a, b) {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
}
"""

# colour(name): what a variable of the styles of a page is.
COLOUR = """
function colour(name) {
    const probe = document.createElementNS("http://www.w3.org/1999/xhtml", "i");
    document.querySelector(".app").append(probe);
    probe.style.color = `var(--${name})`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
}
"""

# Pairs of texts, of those that a selector finds, of which one lies over the other.
OVERLAPS = """
    const texts = [...document.querySelectorAll(arguments[0])].filter(t => t.textContent.trim());
    const boxes = texts.map(t => t.getBoundingClientRect()), found = [];
    for (let i = 0; i < boxes.length; i++)
        for (let j = 0; j < i; j++)
            if (boxes[i].left < boxes[j].right - 1 && boxes[j].left < boxes[i].right - 1 &&
                boxes[i].top < boxes[j].bottom - 3 && boxes[j].top < boxes[i].bottom - 3)
                found.push(texts[i].textContent + ' / ' + texts[j].textContent);
    return found;"""


def made(path, program, *arguments):
    """path, with what a program of tests/unit prints into it, unless it is there already."""
    if not path.exists():
        with open(path, "wb") as output:
            subprocess.run([webdriver.made_by(program), *arguments], stdout=output, check=True)
    return path


def parsed(data):
    """Names of the elements, names of the attributes, and addresses of a well-formed file."""
    elements, attributes, addresses = set(), set(), set()

    def start(name, given):
        elements.add(name)
        attributes.update(given)
        addresses.update(value for value in given.values() if "http" in value)

    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(data, True)
    return elements, attributes, addresses


def elements_of(browser):
    """Names of the elements that a page has now."""
    return set(browser.run("return [...new Set([...document.querySelectorAll('*')]"
                           ".map(e => e.localName))]"))


def has_handlers(browser):
    """Whether an attribute of some element would run a script."""
    return browser.run("return [...document.querySelectorAll('*')].some("
                       "e => [...e.attributes].some(a => a.name.startsWith('on')))")
