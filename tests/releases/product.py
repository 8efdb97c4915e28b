"""The same product as product.cpp, on the Python package."""

import json
import sys

import reprieve


def answer(client, drill, word, rest):
    if word == "check":
        return client.explain("cad", rest)
    if word == "status":
        status = client.status("cad")
        return {"generation": status.generation, "records": status.records}
    if word == "events":
        return [f"{event.kind} {event.feature or '-'}" for event in client.events(rest)]
    if word == "report":
        return client.report(rest)
    if word == "appeal":
        client.appeal(rest)
    elif word in ("upkeep", "request", "close"):
        getattr(client, word)()
    else:
        became = client.import_document(drill.issue(word, json.loads(rest)))
        return became.accepted or became.detail
    return True


def main():
    folder, *policy = sys.argv[1:]
    try:
        drill = reprieve.Drill.create(folder, json.loads(policy[0])) if policy else reprieve.Drill.open(folder)
    except reprieve.Error as error:
        print(json.dumps({"status": error.code, "message": str(error)}), flush=True)
        return
    client = drill.new_client()
    print("true", flush=True)
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        try:
            if word == "reopen":
                client.close()
                client, reply = drill.new_client(), True
            else:
                reply = answer(client, drill, word, rest)
        except reprieve.Error as error:
            reply = {"status": error.code, "message": str(error)}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
