"""Figures as pyspyc prints them."""
import re

TIME = {"d": 86400, "h": 3600, "m": 60, "s": 1}
BYTES = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def number(text):
    """A figure as the screen has it: 12.3% as 0.123, 1h02m as seconds, 1.5M as bytes."""
    text = text.strip()
    if re.fullmatch(r"-?[\d.]+%", text):
        return float(text[:-1]) / 100
    if re.fullmatch(r"(\d+[dhm])*[\d.]+[dhms]", text) and not re.fullmatch(r"[\d.]+[BKMGT]", text):
        return sum(float(value) * TIME[unit] for value, unit in re.findall(r"([\d.]+)([dhms])", text))
    match = re.fullmatch(r"([+-]?[\d.]+)([BKMGT])(?:i?B)?", text)
    return float(match[1]) * BYTES[match[2]] if match else float(text)
