"What the site does to each finished page: code is folded, formulas are set, words lead to the glossary, pictures are checked."
import logging
import re

from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from markdown.extensions.toc import slugify
from pages import public_names

log = logging.getLogger("mkdocs.hooks")
TERMS = {}   # of the glossary: a pattern for the word and its plural, the anchor
NOT_IN = ["a", "code", "pre", "h1", "h2", "h3", "h4", "summary", "math", "th", "figcaption"]


def on_files(files, config):
    "Read the glossary's headings once: `## Stride` is a term, `## IoU, Jaccard { #iou }` two."
    text = files.get_file_from_path("glossary.md").content_string
    for heading in re.findall(r"^## (.*)", text, flags=re.M):
        words = re.sub(r"\s*\{.*", "", heading)
        place = (re.findall(r"#([\w-]+)", heading) or [slugify(words, "-")])[0]
        for word in words.split(", "):
            TERMS[word] = re.compile(rf"\b{re.escape(word)}s?\b", 0 if word.isupper() else re.I), place
    return files


def fold(soup, block, words, is_open):
    details = soup.new_tag("details", attrs={"class": "folded"})
    if is_open:
        details["open"] = ""
    summary = soup.new_tag("summary")
    summary.string = words
    block.insert_before(details)
    details.extend([summary, block])
    return details


def fold_code(soup):
    "Exported code can be folded; imports and hidden cells are folded, neighbors as one."
    for block in soup.select("div.source"):
        fold(soup, block, "Source: " + (", ".join(public_names(block.get_text())) or "a helper"), True)
    last = None
    for block in soup.select("div.setup"):
        before = block.find_previous_sibling()
        if last is not None and before is last:
            last.append(block.extract())
        else:
            last = fold(soup, block, "Imports and other groundwork", False)


def set_formulas(soup):
    "MathML, which a browser shows without help."
    for formula in soup.select(".arithmatex"):
        text = formula.get_text().strip()
        shown = "block" if formula.name == "div" else "inline"
        formula.replace_with(BeautifulSoup(convert(text[2:-2], display=shown), "html.parser"))


def link_terms(soup, page):
    "The first use of each of the glossary's words leads there."
    left = dict(TERMS)
    there = "../" * page.url.count("/") + "glossary.html#"
    for text in soup.find_all(string=True):
        if text.find_parent(NOT_IN) or not text.find_parent(["p", "li", "td"]):
            continue
        hits = sorted((match.start(), -match.end(), place) for pattern, place in left.values() if (match := pattern.search(text)))
        pieces, end = [], 0
        for start, stop, place in hits:
            if start < end or place not in {p for _, p in left.values()}:
                continue
            link = soup.new_tag("a", href=there + place, attrs={"class": "term"})
            link.string = text[start:-stop]
            pieces += [text[end:start], link]
            end = -stop
            left = {word: (pattern, p) for word, (pattern, p) in left.items() if p != place}
        if pieces:
            text.replace_with(*pieces, text[end:])


def check_pictures(soup, page):
    for picture in soup.find_all("img"):
        picture["loading"] = "lazy"
        if not picture.get("alt", "").strip():
            log.warning("%s: the picture %s needs a description", page.file.src_uri, picture.get("src"))
    for clip in soup.find_all("video"):
        if not clip.get("aria-label"):   # a notebook's own player has none
            clip["aria-label"] = f"A clip: {clip.find_previous(['h1', 'h2', 'h3']).get_text().rstrip('¶')}"


def on_page_content(html, page, config, files):
    soup = BeautifulSoup(html, "html.parser")
    fold_code(soup)
    set_formulas(soup)
    if page.file.src_uri not in {"glossary.md", "changelog.md", "index.md"} and not page.file.src_uri.startswith("reference/"):
        link_terms(soup, page)
    check_pictures(soup, page)
    return str(soup)
