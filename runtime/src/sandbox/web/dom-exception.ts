/** The errors of the web's interfaces: Web IDL, section 2.8.1 "Base DOMException error names". */

/** The names that still have a code, in the order of their codes; an empty one is not in use any more. */
const NAMES =
  "IndexSizeError,,HierarchyRequestError,WrongDocumentError,InvalidCharacterError,,NoModificationAllowedError,NotFoundError,NotSupportedError,InUseAttributeError,InvalidStateError,SyntaxError,InvalidModificationError,NamespaceError,InvalidAccessError,,TypeMismatchError,SecurityError,NetworkError,AbortError,URLMismatchError,QuotaExceededError,TimeoutError,InvalidNodeTypeError,DataCloneError".split(
    ",",
  );
const CONSTANTS =
  "INDEX_SIZE_ERR,DOMSTRING_SIZE_ERR,HIERARCHY_REQUEST_ERR,WRONG_DOCUMENT_ERR,INVALID_CHARACTER_ERR,NO_DATA_ALLOWED_ERR,NO_MODIFICATION_ALLOWED_ERR,NOT_FOUND_ERR,NOT_SUPPORTED_ERR,INUSE_ATTRIBUTE_ERR,INVALID_STATE_ERR,SYNTAX_ERR,INVALID_MODIFICATION_ERR,NAMESPACE_ERR,INVALID_ACCESS_ERR,VALIDATION_ERR,TYPE_MISMATCH_ERR,SECURITY_ERR,NETWORK_ERR,ABORT_ERR,URL_MISMATCH_ERR,QUOTA_EXCEEDED_ERR,TIMEOUT_ERR,INVALID_NODE_TYPE_ERR,DATA_CLONE_ERR".split(
    ",",
  );

export class DOMException extends Error {
  readonly #name: string;

  constructor(message: string = "", name: string = "Error") {
    super(`${message}`);
    this.#name = `${name}`;
  }

  override get name(): string {
    return this.#name;
  }

  get code(): number {
    return this.#name === "" ? 0 : NAMES.indexOf(this.#name) + 1;
  }

  get [Symbol.toStringTag](): string {
    return "DOMException";
  }
}

for (const [index, constant] of CONSTANTS.entries())
  for (const holder of [DOMException, DOMException.prototype])
    Object.defineProperty(holder, constant, { value: index + 1, enumerable: true });
