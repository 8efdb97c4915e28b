// An extension with one class that has nothing in it: the control of what the engine does with any extension.
#include <stdint.h>

typedef void *(*Function)(const char *name);
typedef struct {
  int least;
  void *userdata;
  void (*initialize)(void *userdata, int level);
  void (*deinitialize)(void *userdata, int level);
} Initialization;

// GDExtensionClassCreationInfo2: three flags, then pointers, of which none is needed.
typedef struct {
  uint8_t is_virtual, is_abstract, is_exposed;
  void *functions[32];
} Class;

enum { SCENE = 2 };
static Function function;
static void *library;
static uint64_t name, parent;

static void initialize(void *userdata, int level) {
  (void)userdata;
  if (level != SCENE) return;
  static const Class empty = {.is_abstract = 1, .is_exposed = 1};
  void (*text)(void *, const char *, uint8_t) = (void (*)(void *, const char *, uint8_t))function("string_name_new_with_latin1_chars");
  void (*add)(void *, const void *, const void *, const void *) =
      (void (*)(void *, const void *, const void *, const void *))function("classdb_register_extension_class2");
  text(&name, "ControlOfTests", 0);
  text(&parent, "RefCounted", 0);
  add(library, &name, &parent, &empty);
}

static void deinitialize(void *userdata, int level) {
  (void)userdata;
  if (level != SCENE) return;
  void (*remove)(void *, const void *) = (void (*)(void *, const void *))function("classdb_unregister_extension_class");
  remove(library, &name);
}

uint8_t control_init(Function given, void *self, Initialization *made) {
  function = given;
  library = self;
  *made = (Initialization){.least = SCENE, .initialize = initialize, .deinitialize = deinitialize};
  return 1;
}
