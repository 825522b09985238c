SwaggerUIBundle({
  url: "openapi.json",
  domNode: document.getElementById("page"),
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
});
