// Clips stand still for readers who want no motion; folded code opens when a link leads into it and when the page is printed.
const still = matchMedia("(prefers-reduced-motion: reduce)").matches
document.querySelectorAll("video[autoplay]").forEach(clip => {
  if (still) { clip.removeAttribute("autoplay"); clip.pause(); clip.controls = true }
})
// a code block, formula or table that is wider than the page can be scrolled with the keyboard, too
const reachable = () => document.querySelectorAll(".md-typeset pre > code, .md-typeset__scrollwrap, math[display=block]").forEach(box => {
  if (box.scrollWidth > box.clientWidth) box.tabIndex = 0
})
addEventListener("load", reachable)
addEventListener("resize", reachable)
addEventListener("beforeprint", () => document.querySelectorAll("details.folded").forEach(part => { part.open = true }))
