# The addon, for node-gyp: `npm run build:native`. native/CMakeLists.txt builds the same sources for sanitizers and clangd, and a
# test compares the two lists. On a Mac it links Apple's frameworks; elsewhere the look-alike of test/lookalike is linked in, so
# that the same .mm files run under tests.
{
  'targets': [
    {
      'target_name': 'vz',
      'sources': [
        'native/src/addon.cc',
        'native/src/check_files.cc',
        'native/src/checks.cc',
        'native/src/deadlines.cc',
        'native/src/descriptor.cc',
        'native/src/environment.cc',
        'native/src/error_value.cc',
        'native/src/file_lock.cc',
        'native/src/loop.cc',
        'native/src/machine_events.cc',
        'native/src/machine_object.cc',
        'native/src/machine_vsock.cc',
        'native/src/read_config.cc',
        'native/src/read_devices.cc',
        'native/src/read_network.cc',
        'native/src/read_storage.cc',
        'native/src/reader.cc',
        'native/src/splice.cc',
        'native/src/vsock_server.cc',
        'native/src/vsock_server_loop.cc',
        'native/src/vz/boot.mm',
        'native/src/vz/capabilities.mm',
        'native/src/vz/configuration.mm',
        'native/src/vz/console.mm',
        'native/src/vz/devices.mm',
        'native/src/vz/errors.mm',
        'native/src/vz/lifecycle.mm',
        'native/src/vz/listener.mm',
        'native/src/vz/machine.mm',
        'native/src/vz/network.mm',
        'native/src/vz/observer.mm',
        'native/src/vz/platform.mm',
        'native/src/vz/reconfigure.mm',
        'native/src/vz/shares.mm',
        'native/src/vz/sockets.mm',
        'native/src/vz/storage.mm',
        'native/src/vz/vmnet.mm',
      ],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': [
        'NAPI_VERSION=8',
        'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
        # Without it a call that meets a terminating worker ends the process.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-std=c++17'],
      'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wno-unused-parameter'],
      'conditions': [
        ['OS=="mac"', {
          'xcode_settings': {
            'MACOSX_DEPLOYMENT_TARGET': '13.5',
            'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
            'CLANG_CXX_LIBRARY': 'libc++',
            'CLANG_ENABLE_OBJC_ARC': 'NO',
            'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
            'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
            'OTHER_CFLAGS': ['-fobjc-exceptions', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Wunguarded-availability'],
          },
          'libraries': [
            '-framework Foundation',
            '-framework Virtualization',
            '-framework Security',
            '-framework CoreFoundation',
            '-framework vmnet',
          ],
        }, {
          'sources': ['<!@(node native/linux/lookalike.mjs sources)'],
          'include_dirs': ['<!@(node native/linux/lookalike.mjs include)'],
          'libraries': ['<!@(node native/linux/lookalike.mjs libraries)'],
          'variables': {'objective_flags': ['<!@(node native/linux/lookalike.mjs objectiveFlags)']},
          # gyp compiles Objective-C++ on a Mac only.
          'rules': [
            {
              'rule_name': 'objective_cxx',
              'extension': 'mm',
              'inputs': ['native/linux/compile', '<!@(node native/linux/lookalike.mjs headers)'],
              'outputs': ['<(INTERMEDIATE_DIR)/<(RULE_INPUT_DIRNAME)/<(RULE_INPUT_ROOT).o'],
              'action': ['native/linux/compile', '<(RULE_INPUT_PATH)', '<@(_outputs)', '<@(objective_flags)'],
              'process_outputs_as_sources': 1,
              'message': 'Objective-C++ <(RULE_INPUT_PATH)',
            },
          ],
        }],
      ],
    },
  ],
  'conditions': [
    ['OS!="mac"', {
      'targets': [
        {
          # What tests ask of the look-alike; the addon itself exports nothing for them.
          'target_name': 'lookalike_control',
          'sources': ['<!@(node native/linux/lookalike.mjs control)'],
          'libraries': ['-ldl'],
        },
      ],
    }],
  ],
}
