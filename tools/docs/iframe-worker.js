// Search in a site that is read from a folder. A browser starts no Web Worker for a file:// page; the theme's search worker
// runs in a hidden frame of the page instead. The theme's `offline` plugin brings the index as a script, and would fetch a
// stand-in for workers from elsewhere if there were no script of this name.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(script) {
      super();
      const source = new URL(script, location.href).href.replaceAll("&", "&amp;");
      const frame = document.createElement("iframe");
      frame.hidden = true;
      // What the worker posts goes to the page. What comes to it are the frame's own messages.
      frame.srcdoc = `<script>window.postMessage = (data) => parent.postMessage(data, "*");</script>
                      <script src="${source}"></script>`;
      this.loaded = new Promise((resolve) => frame.addEventListener("load", () => resolve(frame.contentWindow)));
      window.addEventListener("message", (event) => {
        if (event.source === frame.contentWindow) this.dispatchEvent(new MessageEvent("message", {data: event.data}));
      });
      document.body.append(frame);
    }

    postMessage(data) {
      // The page's own function: the frame's has been replaced.
      this.loaded.then((worker) => window.postMessage.call(worker, data, "*"));
    }
  };
}
