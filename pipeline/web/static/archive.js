// Two things that a style sheet cannot do: follow the theme of Airflow's own pages, and let links leave the frame that
// these pages stand in. Everything else works without it.
(() => {
  "use strict";
  const root = document.documentElement;

  const follow = () => {
    let theme = null;
    try {
      theme = localStorage.getItem("theme");
    } catch {
      // no storage: the system's theme
    }
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  follow();
  addEventListener("storage", follow);

  // The frame's sandbox allows no new windows and no navigation of the page around it; that page itself may do both.
  const leave = (link, target) => {
    const outer = window.parent.document;
    const copy = outer.createElement("a");
    copy.href = link.href;
    copy.target = target;
    copy.rel = link.rel;
    outer.body.append(copy);
    copy.click();
    copy.remove();
  };

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a.outside, a.inside") : null;
    if (!link || window.parent === window || event.defaultPrevented) return;
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!plain) return;
    try {
      leave(link, link.classList.contains("inside") ? "_self" : "_blank");
      event.preventDefault();
    } catch {
      // another page's frame: the link does what it can
    }
  });
})();
