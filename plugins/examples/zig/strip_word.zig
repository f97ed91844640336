//! The stage `strip-word` in Zig. `textmill_plugin.zig` is the header of the contract, as `zig translate-c` writes it.

const std = @import("std");
const tm = @import("textmill_plugin.zig");

const gpa = std.heap.c_allocator;

const Options = struct { word: []const u8, @"at-most": i64 = std.math.maxInt(i64) };

const schema =
    \\{"type": "object", "additionalProperties": false, "required": ["word"], "properties": {
    \\ "word": {"type": "string", "minLength": 1, "description": "The word."},
    \\ "at-most": {"type": "integer", "minimum": 0, "maximum": 1000000000,
    \\  "description": "Texts that have it more often are dropped."}}, "examples": [{"word": "very"}]}
;

const may = tm.TM_MAP | tm.TM_FILTER | tm.TM_ONLY_DELETES | tm.TM_PURE;

const writes = [_]tm.tm_column{.{ .name = str("removed"), .type = tm.TM_INT }};

const rule_word = 0;
const rule_too_many = 1;
const rules = [_]tm.tm_rule{
    .{ .name = str("word"), .summary = str("It is the word that the options name."), .kind = tm.TM_RULE_DELETES },
    .{ .name = str("too-many"), .summary = str("The text has the word more often than `at-most`."), .kind = tm.TM_RULE_DROPS },
};

/// A stage with its options. It needs no scratch, so it is its own worker too.
const StripWord = struct {
    host: *const tm.tm_host,
    options: std.json.Parsed(Options),

    fn document(self: *const StripWord, text: []const u8, i: usize, sink: [*c]const tm.tm_sink) void {
        const word = self.options.value.word;
        if (std.mem.indexOfScalar(u8, text, 0) != null) {
            _ = sink.*.fail.?(sink.*.ctx, i, str("the text has a NUL"));
            return;
        }
        var removed: i64 = 0;
        var at: usize = 0;
        while (std.mem.indexOfPos(u8, text, at, word)) |start| : (removed += 1) {
            at = start + word.len;
            const edit: tm.tm_edit = .{ .start = start, .end = at, .rule = rule_word };
            if (sink.*.edit.?(sink.*.ctx, i, &edit, 1) != tm.TM_OK) return;
        }
        var digits: [24]u8 = undefined;
        const number = std.fmt.bufPrint(&digits, "{d}", .{removed}) catch unreachable;
        _ = sink.*.set.?(sink.*.ctx, i, 0, str(number));
        if (removed > self.options.value.@"at-most") _ = sink.*.drop.?(sink.*.ctx, i, rule_too_many);
    }
};

fn str(text: []const u8) tm.tm_str {
    return .{ .ptr = text.ptr, .len = text.len };
}

fn open(host: [*c]const tm.tm_host, config: tm.tm_str, _: [*c]const tm.tm_resource, _: usize, out: [*c]?*tm.tm_instance) callconv(.c) tm.tm_status {
    const options = std.json.parseFromSlice(Options, gpa, config.ptr[0..config.len], .{ .allocate = .alloc_always }) catch |err| {
        host.*.set_error.?(host.*.ctx, str(@errorName(err)));
        return tm.TM_E_FATAL;
    };
    if (std.mem.indexOfScalar(u8, options.value.word, ' ') != null) {
        options.deinit();
        host.*.config_error.?(host.*.ctx, str("/word"), str("one word has no space in it"));
        return tm.TM_E_CONFIG;
    }
    const self = gpa.create(StripWord) catch {
        options.deinit();
        return tm.TM_E_FATAL;
    };
    self.* = .{ .host = host, .options = options };
    out.* = @ptrCast(self);
    return tm.TM_OK;
}

fn describe(_: ?*const tm.tm_instance, plan: [*c]tm.tm_plan) callconv(.c) tm.tm_status {
    plan.*.may = may;
    plan.*.writes = &writes;
    plan.*.n_writes = writes.len;
    plan.*.rules = &rules;
    plan.*.n_rules = rules.len;
    return tm.TM_OK;
}

fn close(instance: ?*tm.tm_instance) callconv(.c) void {
    const self: *StripWord = @ptrCast(@alignCast(instance));
    self.options.deinit();
    gpa.destroy(self);
}

fn workerNew(instance: ?*const tm.tm_instance, out: [*c]?*tm.tm_worker) callconv(.c) tm.tm_status {
    out.* = @ptrCast(@constCast(instance));
    return tm.TM_OK;
}

fn workerFree(_: ?*tm.tm_worker) callconv(.c) void {}

fn process(worker: ?*tm.tm_worker, batch: [*c]const tm.tm_batch, sink: [*c]const tm.tm_sink) callconv(.c) tm.tm_status {
    const self: *const StripWord = @ptrCast(@alignCast(worker));
    for (0..batch.*.n_docs) |i| {
        if (self.host.cancelled.?(self.host.ctx) != 0) return tm.TM_E_CANCELLED;
        const text = batch.*.cols[0][i];
        self.document(text.ptr[0..text.len], i, sink);
    }
    return tm.TM_OK;
}

const stage: tm.tm_stage = .{
    .size = @sizeOf(tm.tm_stage),
    .name = str("strip-word"),
    .summary = str("Removes a word wherever it stands"),
    .may = may,
    .config_schema = str(schema),
    .open = open,
    .describe = describe,
    .close = close,
    .worker_new = workerNew,
    .worker_free = workerFree,
    .process = process,
};

const stages = [_][*c]const tm.tm_stage{&stage};

const plugin: tm.tm_plugin = .{
    .magic = tm.TM_MAGIC,
    .size = @sizeOf(tm.tm_plugin),
    .abi_major = tm.TM_ABI_MAJOR,
    .draft = tm.TM_DRAFT,
    .name = str("strip-word in Zig"),
    .version = str("0.1.0"),
    .license = str("MIT OR Apache-2.0"),
    .build_info = str("{\"language\": \"zig\"}"),
    .stages = &stages,
    .n_stages = stages.len,
};

const host_size_1_0 = @offsetOf(tm.tm_host, "extension") + @sizeOf(@FieldType(tm.tm_host, "extension"));

/// Null for a host of another major version, and for one that lacks functions.
export fn textmill_plugin_v1(host: *const tm.tm_host) ?*const tm.tm_plugin {
    return if (host.abi_major == tm.TM_ABI_MAJOR and host.size >= host_size_1_0) &plugin else null;
}
