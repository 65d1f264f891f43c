"""Pages that the program writes, taken apart."""

from html.parser import HTMLParser

VOID = {"meta", "br", "img"}


class Page(HTMLParser):
    """The elements of a page: (name, attributes, the text within); fails on tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        element = [tag, dict(attributes), ""]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag):
        return [element for element in self.elements if element[0] == tag]

    def rows(self, table):
        """The cells of each row of the table of this id, as the page has them one after the other."""
        out, inside = [], False
        for tag, attributes, text in self.elements:
            if tag == "table":
                inside = attributes.get("id") == table
            elif inside and tag == "tr":
                out.append([])
            elif inside and tag in ("th", "td"):
                out[-1].append(text)
        return out
