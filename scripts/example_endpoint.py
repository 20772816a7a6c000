#!/usr/bin/env python3
"""An OpenAI-compatible endpoint on loopback that gives written example answers, found by case.

usage: example_endpoint.py ANSWERS.jsonl PORT_FILE [MISSING.jsonl]

ANSWERS.jsonl holds {"case", "purpose", "answer"} lines. The case is the mark that stands around the customer's words in
every prompt; it follows from the conversation alone, so an answer outlives a new wording of the prompt, but not of an earlier reply. Where several answers
stand for one case and purpose (a repair), they are given in turn, the last one again and again. A question without an
answer is written to MISSING.jsonl and refused. The port is written to PORT_FILE. Stops on SIGTERM. It is no model:
figures that come from its answers are examples, not measurements.
"""
import collections
import http.server
import json
import re
import sys
import threading

MARK = re.compile(r"<<<(?:customer|subject|passage) ([0-9a-f]{10})")


def tokens(text):
    """A rough count, so that costs and budgets have something to show."""
    return max(1, len(text.encode()) // 4)


def main():
    answers = collections.defaultdict(list)
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            if line.strip():
                entry = json.loads(line)
                answers[entry["case"], entry["purpose"]].append(entry["answer"])
    missing = open(sys.argv[3], "w", encoding="utf-8") if len(sys.argv) > 3 else None
    given, lock = collections.Counter(), threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self, status, body):
            data = json.dumps(body, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            texts = [message["content"] for message in asked["messages"]]
            purpose = asked["response_format"]["json_schema"]["name"]
            marks = MARK.findall(texts[-1])
            case = marks[-1] if marks else ""
            with lock:
                known = answers.get((case, purpose))
                if known:
                    at = min(given[case, purpose], len(known) - 1)
                    given[case, purpose] += 1
                elif missing:
                    json.dump({"case": case, "purpose": purpose, "system": texts[0], "user": texts[-1]}, missing, ensure_ascii=False)
                    missing.write("\n")
                    missing.flush()
            if not known:
                return self.reply(400, {"error": {"message": "no example answer", "type": "invalid_request_error", "code": "no_example"}})
            content = json.dumps(known[at], ensure_ascii=False)
            used = {"prompt_tokens": sum(map(tokens, texts)), "completion_tokens": tokens(content)}
            self.reply(200, {
                "id": "example", "object": "chat.completion", "created": 0, "model": asked["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
                "usage": {**used, "total_tokens": sum(used.values())},
            })

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(str(server.server_address[1]))
    server.serve_forever()


if __name__ == "__main__":
    main()
