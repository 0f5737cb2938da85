// A word that begins with hyphens is looked for, as --weights: the search would take "-" for "without".
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...others) {
  const isQuery = message && typeof message.data === "string";
  const plain = isQuery ? { ...message, data: message.data.replace(/(^|\s)-+(?=\w)/g, "$1") } : message;
  return post.call(this, plain, ...others);
};
