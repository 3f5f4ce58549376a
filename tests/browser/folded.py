"""Reading folded stacks: another way to the numbers that a picture shows."""


def stacks(path):
    """{(label, …): samples} of a folded file."""
    result = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        result[tuple(stack.split(";"))] = int(count)
    return result


def matched_share(path, test):
    """Per cent of the samples with a frame that passes the test."""
    lines = stacks(path)
    return 100 * sum(count for stack, count in lines.items() if any(map(test, stack))) / \
        sum(lines.values())
